"""The files a build reads: which ones, and whether they change while it reads them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from python_helpers.core.disk import sha256, stamp
from python_helpers.core.errors import RawDataError
from python_helpers.core.settings import Settings
from python_helpers.delivery.contract import exports_of, raw_tables
from python_helpers.delivery.files import check_delivery, raw_files, refuse_unsafe_files, table_of
from python_helpers.delivery.systems import export_of

SAMPLE = Path("seeds", "sample")


def input_paths(*, settings: Settings) -> list[Path]:
    """Find the files a build looks at; none where the raw input is tables of the warehouse.

    Raises RawDataError where one of them must not be opened.
    """
    is_sample = settings.raw_input == "sample"
    folder = settings.project_dir / SAMPLE if is_sample else settings.raw_data
    if not folder or not folder.is_dir():
        return []
    tables = raw_tables(project_dir=settings.project_dir)
    refuse_unsafe_files(folder=folder, tables=tables, has_exports=settings.has_exports)
    found = raw_files(folder=folder, tables=tables, has_exports=settings.has_exports)
    return [file for table, file in found if table]


def looks(*, settings: Settings) -> dict[Path, tuple[int, int]]:
    """Return size and time of each raw file; one that vanishes meanwhile is left out."""
    found = {}
    with suppress(OSError, RawDataError):
        for path in input_paths(settings=settings):
            status = path.stat()
            found[path] = (status.st_size, status.st_mtime_ns)
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
                f"The delivery changed while it was read: {', '.join(sorted(changed))}. "
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
    tables = raw_tables(project_dir=settings.project_dir)
    all_exports = exports_of(project_dir=settings.project_dir)
    exports = {
        name: export
        for name, export in all_exports.items()
        if name.split(".")[0] in settings.systems
    }
    return [
        path
        for path in paths
        if table_of(file=path, folder=folder, tables=tables) or export_of(path, exports=exports)
    ]


def described_inputs(*, settings: Settings) -> list[dict[str, Any]]:
    """Describe each raw file that is read, with its size in bytes and its checksum."""
    found = []
    for path in read_inputs(settings=settings):
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
