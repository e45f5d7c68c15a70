"""The files of a delivery: which ones exist, which table each is for, which cannot be read."""

import gzip
import zlib
from collections.abc import Collection
from pathlib import Path

import duckdb

from python_helpers.core.disk import why
from python_helpers.core.errors import RawDataError
from python_helpers.delivery.contract import raw_tables

RAW_SUFFIXES = (".csv", ".csv.gz", ".parquet")
# a hash reads every value; a count would only read the statistics of the file
READ_PARQUET = "select bit_xor(hash(columns(*))) from read_parquet(?)"
BLOCK = 1 << 20  # bytes of a compressed file read at once


def check_delivery(*, folder: Path, project_dir: Path) -> None:
    """Refuse what dbt would not notice: no file at all, or a truncated one.

    DuckDB skips a broken link, and reads a truncated gzip file without an error. Raises
    RawDataError.
    """
    try:
        files = raw_files(folder=folder, tables=raw_tables(project_dir=project_dir))
    except OSError as error:
        raise RawDataError(f"The raw data folder {folder} cannot be read: {why(error)}.") from error
    if not files:
        raise RawDataError(
            f"The raw data folder {folder} holds no CSV or Parquet file. "
            "Deliver at least one, for example orders.csv."
        )
    faults = [
        f"{table}: {file} {fault}"
        for table, file in files
        if table and (fault := fault_of(file=file))
    ]
    if faults:
        raise RawDataError("\n".join(faults))


def raw_files(*, folder: Path, tables: Collection[str]) -> list[tuple[str | None, Path]]:
    """List the raw files of a folder, each with the table it is for, if there is one."""
    found = []
    for entry in sorted(folder.iterdir()):
        is_folder = entry.name in tables and entry.is_dir()
        for file in sorted(entry.iterdir()) if is_folder else [entry]:
            if file.name.endswith(RAW_SUFFIXES) and not file.name.startswith("."):
                found.append((table_of(file=file, folder=folder, tables=tables), file))
    return found


def damaged_parquet(*, folder: Path, tables: Collection[str]) -> dict[str, str]:
    """Read every Parquet file of a folder; returns a fault per table."""
    found: dict[str, str] = {}
    for table, file in raw_files(folder=folder, tables=tables):
        if file.suffix == ".parquet" and table and table not in found:
            try:
                with duckdb.connect() as connection:
                    connection.execute(READ_PARQUET, [str(file)]).fetchall()
            except duckdb.Error as error:
                cause = str(error).splitlines()[0].rstrip(".")
                found[table] = f"{table}: {file} is damaged ({cause}). Deliver it again."
    return found


def fault_of(*, file: Path) -> str | None:
    """Say why a file cannot be read, and what to do; None if it can be read."""
    try:
        if file.suffix == ".gz":
            with gzip.open(file) as compressed:
                while compressed.read(BLOCK):
                    pass
        else:
            with file.open("rb") as plain:
                plain.read(1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"is truncated or damaged ({why(error)}). Deliver it again."
    except OSError as error:
        return f"cannot be read ({why(error)}). Make it a file that this user may read."
    return None


def table_of(*, file: Path, folder: Path, tables: Collection[str]) -> str | None:
    """Name the table that a file of a raw folder is for, as the project's macros do."""
    first, *rest = file.relative_to(folder).parts
    if rest:
        return first if first in tables else None
    stem = first.split(".")[0]
    owners = [table for table in tables if stem == table or stem.startswith(f"{table}_")]
    return max(owners, key=len, default=None)
