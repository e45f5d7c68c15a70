"""The files of a delivery: which there are, whose they are, and which cannot be read at all."""

import gzip
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import yaml

from python_helpers.core.disk import why
from python_helpers.core.errors import RawDataError

CONTRACT = Path("models", "staging", "_raw.yml")
RAW_SUFFIXES = (".csv", ".csv.gz", ".parquet")
# a hash needs every value; a count would be content with the statistics of the file
READ_PARQUET = "select bit_xor(hash(columns(*))) from read_parquet(?)"
BLOCK = 1 << 20  # bytes of a compressed file read at once


def check_delivery(*, folder: Path, project_dir: Path) -> None:
    """Refuse what dbt would not see: no file at all, or one that reads as if it were shorter.

    DuckDB leaves out a link to nothing, and takes a gzip file that was cut for a whole one.
    Raises RawDataError.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise RawDataError(f"The raw data folder {folder} cannot be read: {why(error)}.") from error
    tables = raw_tables(project_dir=project_dir)
    files = [file for entry in entries for file in files_of(entry=entry, tables=tables)]
    if not files:
        raise RawDataError(
            f"The raw data folder {folder} holds no CSV or Parquet file: "
            "deliver at least one, for example orders.csv."
        )
    faults = [
        f"{table_of(file=file, folder=folder, tables=tables)}: {file} {fault}"
        for file in files
        if table_of(file=file, folder=folder, tables=tables) and (fault := fault_of(file=file))
    ]
    if faults:
        raise RawDataError("\n".join(faults))


def files_of(*, entry: Path, tables: Collection[str]) -> Iterator[Path]:
    """Yield the raw files an entry of the folder stands for: itself, or what its table's holds."""
    is_folder = entry.name in tables and entry.is_dir()
    for candidate in sorted(entry.iterdir()) if is_folder else [entry]:
        if candidate.name.endswith(RAW_SUFFIXES) and not candidate.name.startswith("."):
            yield candidate


def damaged_parquet(*, folder: Path, tables: Collection[str]) -> dict[str, str]:
    """Read every Parquet file of a folder; returns what is wrong with one of each table."""
    found = {}
    for entry in sorted(folder.iterdir()):
        for file in files_of(entry=entry, tables=tables):
            table = table_of(file=file, folder=folder, tables=tables)
            if file.suffix == ".parquet" and table and table not in found:
                try:
                    with duckdb.connect() as connection:
                        connection.execute(READ_PARQUET, [str(file)]).fetchall()
                except duckdb.Error as error:
                    cause = str(error).splitlines()[0].rstrip(".")
                    found[table] = f"{table}: {file} is damaged ({cause}). Deliver it again."
    return found


def fault_of(*, file: Path) -> str | None:
    """Say why a file cannot be read, and what to do about it; None if it can."""
    try:
        if file.suffix == ".gz":
            with gzip.open(file) as compressed:
                while compressed.read(BLOCK):
                    pass
        else:
            with file.open("rb") as plain:
                plain.read(1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"is cut or damaged ({why(error)}). Deliver it again."
    except OSError as error:
        return f"cannot be read ({why(error)}). Make it a file this user may read."
    return None


def raw_tables(*, project_dir: Path) -> tuple[str, ...]:
    """Return the tables of the raw contract; none if the project has no contract."""
    contract = project_dir / CONTRACT
    if not contract.is_file():
        return ()
    sources = yaml.safe_load(contract.read_text(encoding="utf-8"))["sources"]
    return tuple(table["name"] for source in sources for table in source["tables"])


def table_of(*, file: Path, folder: Path, tables: Collection[str]) -> str | None:
    """Name the table a file of a raw folder belongs to, as the project's macros do."""
    first, *rest = file.relative_to(folder).parts
    if rest:
        return first if first in tables else None
    stem = first.split(".")[0]
    owners = [table for table in tables if stem == table or stem.startswith(f"{table}_")]
    return max(owners, key=len, default=None)
