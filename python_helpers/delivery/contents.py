"""What is in the files of a delivery, as far as it can be read without a build."""

import codecs
import glob
import gzip
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import duckdb

from python_helpers.core.disk import why
from python_helpers.core.errors import RawDataError
from python_helpers.core.log import some_of, without_values
from python_helpers.delivery.contract import raw_tables
from python_helpers.delivery.files import (
    EXPORT,
    MOST_NAMED,
    raw_files,
    refuse_unsafe_files,
    table_of,
    unreadable,
)

DELIVER = "Deliver at least one, for example orders.csv."
SAVE_AS_CSV = "Save a spreadsheet as CSV (UTF-8), or unpack an archive."
READ = {
    # a hash reads every value; a count would only read the statistics of the file
    ".parquet": "select bit_xor(hash(columns(*))) from read_parquet(?)",
    ".gz": "select count(*) from read_csv(?, auto_detect = false, columns = {'line': 'varchar'}, "
    "delim = '\x01', quote = '', escape = '', strict_mode = false, compression = 'gzip')",
}
BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 2_000_000  # bytes, as in DuckDB
NO_TEXT = bytes(64)  # NUL bytes; a part of a file that was never written has at least 512


def check_delivery(*, folder: Path, project_dir: Path, has_exports: bool = False) -> None:
    """Refuse what dbt would not notice: no file at all, or a truncated one.

    DuckDB skips a broken link, and reads a truncated file without an error. Raises RawDataError.
    """
    tables = raw_tables(project_dir=project_dir)
    try:
        refuse_unsafe_files(folder=folder, tables=tables, has_exports=has_exports)
        files = raw_files(folder=folder, tables=tables, has_exports=has_exports)
    except OSError as error:
        raise unreadable(folder=folder, error=error) from error
    if not files:
        others = [
            file.name
            for file in sorted(folder.iterdir())
            if table_of(file=file, folder=folder, tables=tables)
        ]
        raise RawDataError(
            f"The raw data folder {folder} holds no CSV or Parquet file"
            + (f", only {some_of(others)}. {SAVE_AS_CSV}" if others else f". {DELIVER}")
        )
    faults = [
        f"{table}: {file} {fault}"
        for table, file in files
        if table and (fault := fault_of(file=file))
    ]
    faults += repeated_files(files=files, has_exports=has_exports)
    if faults:
        raise RawDataError("\n".join(faults))


def repeated_files(
    *, files: Collection[tuple[str | None, Path]], has_exports: bool
) -> Iterator[str]:
    """Yield a fault for each file that is delivered twice by a link.

    The rows of a table would be superseded by themselves, but a folder of exports is a shop.
    """
    known: dict[tuple[str, int, int], Path] = {}
    for table, file in files:
        if table and file.exists():
            status = file.stat()
            place = (EXPORT if has_exports else table, status.st_dev, status.st_ino)
            other = known.setdefault(place, file)
            if other != file:
                yield f"{table}: {file} is the same file as {other}. Deliver it once."


def damaged_files(*, folder: Path, tables: Collection[str]) -> dict[str, str]:
    """Read every Parquet and every compressed file of a folder; returns a fault per table."""
    found: dict[str, str] = {}
    for table, file in raw_files(folder=folder, tables=tables):
        read = READ.get(file.suffix.lower())
        if read and table and table not in found:
            try:
                with duckdb.connect() as connection:
                    connection.execute(read, [glob.escape(str(file))]).fetchall()
            except duckdb.Error as error:
                cause = without_values(str(error)).splitlines()[0].rstrip(".")
                found[table] = f"{table}: {file} is damaged ({cause}). Deliver it again."
    return found


def said_of_last_lines(files: Iterable[Path], /) -> str | None:
    """Say which files may have been cut in their last row; None if none was.

    Some programs never end the last line, so that it is no fault. A checksum vouches for a
    compressed file.
    """
    unended = []
    for file in files:
        # a file that cannot be read is told elsewhere
        with suppress(OSError), file.open("rb") as content:
            content.seek(max(file.stat().st_size - 2, 0))
            # in UTF-16 a NUL byte follows the line break
            if file.suffix.lower() not in READ and content.read().rstrip(b"\0")[-1:] not in b"\r\n":
                unended.append(file.name)
    if not unended:
        return None
    return (
        f"Raw data: the last line of {some_of(unended, most=MOST_NAMED)} has no line break, as in "
        "a file that was cut. See whether its last row is whole; its last number may be too short."
    )


def fault_of(*, file: Path) -> str | None:
    """Say why a file cannot be read, and what to do; None if it can be read."""
    try:
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as content:
            if file.suffix.lower() == ".parquet":
                return None
            fault = encoding_fault(content=content)
            content.seek(0)
            return fault or line_fault(content=content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return f"is truncated or damaged ({why(error)}). Deliver it again."
    except OSError as error:
        return f"cannot be read ({why(error)}). Make it a file that this user may read."


def line_fault(*, content: BinaryIO | gzip.GzipFile) -> str | None:
    """Say where a line is too long to be a row; None if none is.

    A disk keeps space free for a copy; if the copy stops, the rest is NUL bytes. At the end of a
    file they are one long line, which DuckDB leaves out if it is more than 32 MB. In the middle
    they join the halves of two rows.
    """
    position = line_start = 0
    while block := content.read(BLOCK):
        if NO_TEXT in block:
            return (
                f"has only NUL bytes from byte {position + block.index(NO_TEXT) + 1:,} on: a part "
                "of it was never written. Deliver it again."
            )
        first = min((at for mark in b"\r\n" if (at := block.find(mark)) >= 0), default=len(block))
        if position + first - line_start > LONGEST_LINE:
            return (
                f"has no line break in the {LONGEST_LINE:,} bytes from byte {line_start + 1:,} on: "
                "the file was cut, copied only in part, or is not a table. Deliver it again."
            )
        last = max(block.rfind(b"\r"), block.rfind(b"\n"))
        position += len(block)
        line_start = position - len(block) + last + 1 if last >= 0 else line_start
    return None


def encoding_fault(*, content: BinaryIO | gzip.GzipFile) -> str | None:
    """Say why text in UTF-16 cannot be read, and what to do; None for every other content.

    DuckDB reads its little-endian form, and no character beyond the first 65,536.
    """
    start = content.read(4)
    content.seek(0)
    # without a mark, every second byte of an English header is NUL
    is_nul = [byte == 0 for byte in start]
    if start[:2] == codecs.BOM_UTF16_BE or is_nul == [True, False] * 2:
        return "is in UTF-16, big-endian, which cannot be read. Save it as CSV (UTF-8)."
    if start[:2] == codecs.BOM_UTF16_LE or is_nul == [False, True] * 2:
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
