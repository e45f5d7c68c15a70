"""The files of a delivery: which ones exist, which table each is for, which cannot be read."""

import codecs
import gzip
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import duckdb

from python_helpers.core.disk import why
from python_helpers.core.errors import RawDataError
from python_helpers.core.log import without_values
from python_helpers.delivery.contract import raw_tables

RAW_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet")
EXPORT = "export"
DELIVER = "Deliver at least one, for example orders.csv."
SAVE_AS_CSV = "Save a spreadsheet as CSV (UTF-8), or unpack an archive."
# a hash reads every value; a count would only read the statistics of the file
READ_PARQUET = "select bit_xor(hash(columns(*))) from read_parquet(?)"
BLOCK = 1 << 20  # bytes of a compressed file read at once


def check_delivery(*, folder: Path, project_dir: Path, has_exports: bool = False) -> None:
    """Refuse what dbt would not notice: no file at all, or a truncated one.

    DuckDB skips a broken link, and reads a truncated gzip file without an error. Raises
    RawDataError.
    """
    tables = raw_tables(project_dir=project_dir)
    try:
        files = raw_files(folder=folder, tables=tables, has_exports=has_exports)
    except OSError as error:
        raise RawDataError(f"The raw data folder {folder} cannot be read: {why(error)}.") from error
    if not files:
        others = [
            file.name
            for file in sorted(folder.iterdir())
            if table_of(file=file, folder=folder, tables=tables)
        ]
        raise RawDataError(
            f"The raw data folder {folder} holds no CSV or Parquet file"
            + (f", only {', '.join(others)}. {SAVE_AS_CSV}" if others else f". {DELIVER}")
        )
    faults = [
        f"{table}: {file} {fault}"
        for table, file in files
        if table and (fault := fault_of(file=file))
    ]
    if faults:
        raise RawDataError("\n".join(faults))


def raw_files(
    *, folder: Path, tables: Collection[str], has_exports: bool = False
) -> list[tuple[str | None, Path]]:
    """List the raw files of a folder, each with the table it is for, if there is one.

    Any other file may be an export of a system, whose header tells what it is.
    """
    found = []
    for entry in sorted(folder.iterdir()):
        is_folder = entry.is_dir() and (has_exports or entry.name.lower() in tables)
        for file in sorted(entry.iterdir()) if is_folder else [entry]:
            if file.name.lower().endswith(RAW_SUFFIXES) and not file.name.startswith("."):
                table = table_of(file=file, folder=folder, tables=tables)
                found.append((table or (EXPORT if has_exports else None), file))
    return found


def damaged_parquet(*, folder: Path, tables: Collection[str]) -> dict[str, str]:
    """Read every Parquet file of a folder; returns a fault per table."""
    found: dict[str, str] = {}
    for table, file in raw_files(folder=folder, tables=tables):
        if file.suffix.lower() == ".parquet" and table and table not in found:
            try:
                with duckdb.connect() as connection:
                    connection.execute(READ_PARQUET, [str(file)]).fetchall()
            except duckdb.Error as error:
                cause = without_values(str(error)).splitlines()[0].rstrip(".")
                found[table] = f"{table}: {file} is damaged ({cause}). Deliver it again."
    return found


def fault_of(*, file: Path) -> str | None:
    """Say why a file cannot be read, and what to do; None if it can be read."""
    try:
        is_compressed = file.suffix.lower() == ".gz"
        with gzip.open(file) if is_compressed else file.open("rb") as content:
            fault = encoding_fault(content=content)
            while is_compressed and content.read(BLOCK):
                pass
            return fault
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"is truncated or damaged ({why(error)}). Deliver it again."
    except OSError as error:
        return f"cannot be read ({why(error)}). Make it a file that this user may read."


def encoding_fault(*, content: BinaryIO | gzip.GzipFile) -> str | None:
    """Say why text in UTF-16 cannot be read, and what to do; None for every other content.

    DuckDB reads its little-endian form, and no character beyond the first 65,536.
    """
    start = content.read(2)
    if start == codecs.BOM_UTF16_BE:
        return "is in UTF-16, big-endian, which cannot be read. Save it as CSV (UTF-8)."
    if start == codecs.BOM_UTF16_LE:
        decoder = codecs.getincrementaldecoder("utf-16-le")()
        try:
            while block := content.read(BLOCK):
                if max(decoder.decode(block), default="") > "\uffff":
                    return (
                        "is in UTF-16 with characters that cannot be read, such as emoji. "
                        "Save it as CSV (UTF-8)."
                    )
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "is in UTF-16, and damaged. Deliver it again, best as CSV (UTF-8)."
    return None


def table_of(*, file: Path, folder: Path, tables: Collection[str]) -> str | None:
    """Name the table that a file of a raw folder is for, as the project's macros do."""
    first, *rest = file.relative_to(folder).as_posix().lower().split("/")
    if rest:
        return first if first in tables else None
    stem = first.split(".")[0]
    owners = [table for table in tables if stem == table or stem.startswith(f"{table}_")]
    return max(owners, key=len, default=None)
