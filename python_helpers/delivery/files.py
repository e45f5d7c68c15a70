"""The files of a delivery: which ones exist, and which table each is for."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from python_helpers.core.disk import why
from python_helpers.core.errors import RawDataError
from python_helpers.core.log import some_of

RAW_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet")
EXPORT = "export"
MOST_NAMED = 5  # files in a warning


def unreadable(*, folder: Path, error: OSError) -> RawDataError:
    """Say that a raw folder, or something in it, cannot be looked at."""
    return RawDataError(
        f"raw data: {error.filename or folder} cannot be read ({why(error)}). Make the folder, and "
        "all that is in it, readable for this user."
    )


def raw_files(
    *, folder: Path, tables: Collection[str], has_exports: bool = False
) -> list[tuple[str | None, Path]]:
    """List the raw files of a folder, each with the table it is for, if there is one.

    Any other file may be an export of a system, whose header tells what it is.
    """
    found = []
    for file in entries_of(folder=folder, tables=tables, has_exports=has_exports):
        if file.name.lower().endswith(RAW_SUFFIXES) and not file.name.startswith("."):
            table = table_of(file=file, folder=folder, tables=tables)
            found.append((table or (EXPORT if has_exports else None), file))
    return found


def entries_of(*, folder: Path, tables: Collection[str], has_exports: bool) -> Iterator[Path]:
    """Yield what is in a raw folder, and in the folders in it that are read.

    A hidden folder has copies, such as .ipynb_checkpoints.
    """
    for entry in sorted(folder.iterdir()):
        name = entry.name
        # to DuckDB the sign of the kelvin is no letter k, as it is to lower()
        is_of_table = name.isascii() and name.lower() in tables
        if (not name.startswith(".") if has_exports else is_of_table) and entry.is_dir():
            yield from sorted(entry.iterdir())
        else:
            yield entry


def refuse_unsafe_files(
    *, folder: Path, tables: Collection[str], has_exports: bool = False
) -> None:
    """Refuse what must not even be opened. Raises RawDataError, and OSError.

    The first line of a file that a link leads to may get into a message; a FIFO would hold the
    build for ever; and DuckDB lists no folder in which a name is not UTF-8.
    """
    root = folder.resolve()
    faults = []
    if fault := name_fault(name=str(folder)):
        raise RawDataError(f"raw data: {shown(folder)} {fault}")
    for file in entries_of(folder=folder, tables=tables, has_exports=has_exports):
        table = table_of(file=file, folder=folder, tables=tables)
        fault = name_fault(name=str(file))
        if not fault and file.name.lower().endswith(RAW_SUFFIXES):
            fault = place_fault(file=file, root=root)
        if fault:
            faults.append(f"{table or 'raw data'}: {shown(file)} {fault}")
    if faults:
        raise RawDataError("\n".join(faults))


def shown(path: Path, /) -> str:
    """Write a path as text, whatever its bytes are."""
    return os.fsencode(path).decode(errors="backslashreplace")


def name_fault(*, name: str) -> str | None:
    """Say what is wrong with the name of a file or a folder; None if it can be read."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8. Rename it."
    # in a pattern, DuckDB takes it for the end of a folder's name
    return "has a backslash in its name. Rename it." if "\\" in name else None


def place_fault(*, file: Path, root: Path) -> str | None:
    """Say why a file is not where or what it seems; None if it can be opened."""
    try:
        if not file.resolve().is_relative_to(root):
            return "is a link to a place outside the delivery. Deliver the file itself."
    except (OSError, RuntimeError):
        return "is a link that leads nowhere. Deliver the file itself."
    if file.exists() and not file.is_file() and not file.is_dir():
        return "is a pipe, a socket or a device. Deliver a file."
    return None


def said_of_other_folders(*, folder: Path, tables: Collection[str]) -> str | None:
    """Say which files in a folder that is named after no table look like tables; None if none."""
    found = [
        shown(file.relative_to(folder))
        for file in sorted(folder.glob("[!._]*/[!._]*"))
        if file.name.lower().endswith(RAW_SUFFIXES)
        and not table_of(file=file, folder=folder, tables=tables)
    ]
    if not found:
        return None
    return (
        "Raw data: these files are not read, because their folder is named after no table: "
        f"{some_of(found, most=MOST_NAMED)}. Put them beside the others, or into a folder such as "
        "orders/."
    )


def table_of(*, file: Path, folder: Path, tables: Collection[str]) -> str | None:
    """Name the table that a file of a raw folder is for, as the macro raw_files() does."""
    first, *rest = file.relative_to(folder).as_posix().lower().split("/")
    if rest:
        return first if first in tables else None
    suffix = next((each for each in RAW_SUFFIXES if first.endswith(each)), Path(first).suffix)
    stem = first.removesuffix(suffix)
    owners = [table for table in tables if stem == table or stem.startswith(f"{table}_")]
    return max(owners, key=len, default=None)
