"""The files a build reads: which ones, and whether they change while it reads them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.disk import sha256, stamp
from python_helpers.core.errors import RawDataError
from python_helpers.core.log import some_of
from python_helpers.core.settings import Settings
from python_helpers.delivery.contents import check_delivery, said_of_last_lines
from python_helpers.delivery.contract import raw_tables
from python_helpers.delivery.files import (
    raw_files,
    refuse_unsafe_files,
    said_of_other_folders,
    unreadable,
)
from python_helpers.delivery.rendering import Macros

SAMPLE = Path("seeds", "sample")


def input_paths(*, settings: Settings) -> list[Path]:
    """Find the files a build looks at; none where the raw input is tables of the warehouse.

    Raises RawDataError where one of them must not be opened, or the folder cannot be listed.
    """
    is_sample = settings.raw_input == "sample"
    folder = settings.project_dir / SAMPLE if is_sample else settings.raw_data
    if not folder or not folder.is_dir():
        return []
    tables = raw_tables(project_dir=settings.project_dir)
    try:
        if not is_sample:
            refuse_unsafe_files(folder=folder, tables=tables, has_exports=settings.has_exports)
        found = raw_files(folder=folder, tables=tables, has_exports=settings.has_exports)
    except OSError as error:
        raise unreadable(folder=folder, error=error) from error
    return [file for table, file in found if table]


def looks(*, settings: Settings) -> dict[Path, tuple[int, ...]]:
    """Return size and times of each raw file; one that vanishes meanwhile is left out.

    A program may set the time of writing back, but not the time of the last change to the inode.
    """
    found: dict[Path, tuple[int, ...]] = {}
    with suppress(OSError, RawDataError):
        for path in input_paths(settings=settings):
            status = path.stat()
            found[path] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


@contextmanager
def steady_inputs(*, settings: Settings) -> Iterator[None]:
    """Refuse a build from files that changed meanwhile: its tables may not match each other.

    Raises RawDataError, which may pass.
    """
    before = looks(settings=settings)
    try:
        yield
    finally:
        changed = {path.name for path, _ in before.items() ^ looks(settings=settings).items()}
        if changed:
            error = RawDataError(
                f"The delivery changed while it was read: {some_of(sorted(changed))}. "
                "Refresh again when it is complete."
            )
            error.may_pass = True
            raise error


def check_inputs(*, settings: Settings) -> None:
    """Refuse raw files that cannot be read. Raises RawDataError."""
    if settings.raw_data:
        check_delivery(
            folder=settings.raw_data,
            project_dir=settings.project_dir,
            has_exports=settings.has_exports,
        )


def read_inputs(*, settings: Settings) -> list[Path]:
    """Find the files a build reads: beside exports there may be files of any other kind."""
    paths, folder = input_paths(settings=settings), settings.raw_data
    if not folder or not settings.has_exports:
        return paths
    with duckdb.connect() as connection:
        macros = Macros(
            connection=connection,
            project_dir=settings.project_dir,
            settings={"raw_input": settings.raw_input, "raw_data_dir": str(folder)},
        )
        try:
            read = files_read(macros)
        except duckdb.Error:
            # the build stops at the same file, and says why
            return paths
    return [path for path in paths if str(path) in read]


def files_read(macros: Macros, /) -> set[str]:
    """Ask the macros of the build which files are of the contract or exports of a system in use."""
    headers = macros.headers_of(macros.export_names("files"))
    lines = macros.first_lines_of(macros.text_files() if headers else [])
    exports = {file for file, first in lines.items() if macros.is_export(headers, first)}
    return exports.union(*(macros.raw_files(table) for table in macros.sources))


def warnings_of_inputs(read: Collection[Path], /, *, settings: Settings) -> list[str]:
    """Say which files may have been cut, and which look like tables and are not read."""
    said = [said_of_last_lines(read)]
    if settings.raw_data and not settings.has_exports:
        tables = raw_tables(project_dir=settings.project_dir)
        said.append(said_of_other_folders(folder=settings.raw_data, tables=tables))
    return [each for each in said if each]


def described_inputs(read: Collection[Path], /) -> list[dict[str, Any]]:
    """Describe each of the files read, with its size in bytes and its checksum."""
    found = []
    for path in read:
        status = path.stat()
        found.append(
            {
                "path": str(path),
                "bytes": status.st_size,
                "modified_at": stamp(datetime.fromtimestamp(status.st_mtime, UTC)),
                "sha256": sha256(path),
            }
        )
    return found
