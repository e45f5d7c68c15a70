"""The files a build reads: which ones, and whether they change while it reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from python_helpers.core.disk import sha256
from python_helpers.core.errors import BuildError, RawDataError
from python_helpers.core.settings import Settings
from python_helpers.delivery.contract import raw_tables
from python_helpers.delivery.files import check_delivery, files_of, table_of

SAMPLE = Path("seeds", "sample")


def input_paths(*, settings: Settings) -> list[Path]:
    """Find the raw files of a build; none where the raw input is tables of the warehouse."""
    if settings.raw_input == "tables":
        return []
    folder = settings.raw_data or settings.project_dir / SAMPLE
    tables = raw_tables(project_dir=settings.project_dir)
    if not folder.is_dir():
        return []
    return [
        file
        for entry in sorted(folder.iterdir())
        for file in files_of(entry=entry, tables=tables)
        if table_of(file=file, folder=folder, tables=tables)
    ]


def looks(*, settings: Settings) -> dict[Path, tuple[int, int]]:
    """Return size and time of each raw file; one that vanishes meanwhile is left out."""
    found = {}
    try:
        for path in input_paths(settings=settings):
            status = path.stat()
            found[path] = (status.st_size, status.st_mtime_ns)
    except OSError:
        pass
    return found


@contextmanager
def steady_inputs(*, settings: Settings) -> Iterator[None]:
    """Refuse a build from files that changed meanwhile: its tables may not match each other.

    Raises RawDataError, which may pass.
    """
    before = looks(settings=settings)
    failed: Exception | None = None
    try:
        yield
    except (BuildError, RawDataError, OSError) as error:
        failed = error
    after = looks(settings=settings)
    changed = sorted(
        path.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    if changed:
        unsteady = RawDataError(
            f"The delivery changed while it was read: {', '.join(changed)}. "
            "Refresh again when it is complete."
        )
        unsteady.may_pass = True
        raise unsteady from failed
    if failed:
        raise failed


def check_inputs(*, settings: Settings) -> None:
    """Refuse raw files that cannot be read. Raises RawDataError."""
    if settings.raw_data:
        check_delivery(folder=settings.raw_data, project_dir=settings.project_dir)


def described_inputs(*, settings: Settings) -> list[dict[str, Any]]:
    """Describe each raw file, with its size in bytes and its checksum."""
    found = []
    for path in input_paths(settings=settings):
        status = path.stat()
        found.append(
            {
                "path": str(path),
                "bytes": status.st_size,
                "modified_at": datetime.fromtimestamp(status.st_mtime, UTC).isoformat(
                    timespec="seconds"
                ),
                "sha256": sha256(path),
            }
        )
    return found
