"""What is wrong with the raw data, read from a message of dbt or DuckDB."""

import re
from collections.abc import Sequence
from pathlib import Path

from python_helpers.delivery.files import RAW_SUFFIXES, table_of
from python_helpers.warehouse.problems import cause_of, shortened, whole_cause_of

# A pattern in what DuckDB says of a damaged CSV file, and its meaning; {0}, {1} are the groups.
CSV_FAULTS = (
    (
        r"Expected Number of Columns: (\d+) Found: (\d+)",
        "{1} fields, and the header has {0}. Correct the line; a text that holds the delimiter "
        "needs double quotes around it.",
    ),
    (
        r"Value with unterminated quote found",
        "a double quote is not closed, or text follows a closed one. Correct the line; a double "
        "quote inside a quoted text is written twice.",
    ),
    (
        r"Invalid unicode",
        "a byte is not UTF-8. Export the file as UTF-8.",
    ),
    (
        r"Maximum line size of (\d+) bytes exceeded",
        "longer than {0} bytes. Correct the line; a double quote may not be closed.",
    ),
    (
        r"state machine reached an invalid state",
        "its lines do not all end the same way, or one is broken inside a text without double "
        "quotes. Write it with one kind of line end.",
    ),
)


def raw_data_problem(*, message: str, folder: Path | None, tables: Sequence[str]) -> str | None:
    """Say on one line what is wrong with the raw data; None if something else is wrong."""
    for pattern in (
        r"Raw data: (.*)",
        r"(The data has several currencies.*)",
    ):
        found = re.search(pattern, whole_cause_of(message=message))
        if found:
            return shortened(found[1])
    if not folder:
        return None
    # the last one: the damaged line comes before it
    files = re.findall(r"^ *file = (.*)$", message, flags=re.MULTILINE)
    if files:
        return f"{place(file=files[-1], folder=folder, tables=tables)}{csv_fault(message=message)}"
    inside = re.escape(str(folder)) + rf"/.*?(?:{'|'.join(map(re.escape, RAW_SUFFIXES))})\b"
    found = re.search(inside, message)
    if found:
        where = place(file=found[0], folder=folder, tables=tables)
        if re.search(r"No magic bytes|too small to be a Parquet file", message):
            return f"{where} is truncated or not a Parquet file. Deliver it again."
        return f"{where} cannot be read: {cause_of(message=message)} Deliver it again."
    return None


def place(*, file: str, folder: Path, tables: Sequence[str]) -> str:
    """Name the table of a raw file, then the file."""
    table = table_of(file=Path(file), folder=folder, tables=tables)
    return f"{table}: {file}" if table else file


def csv_fault(*, message: str) -> str:
    """Say which line of a CSV file is damaged, and how."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f", line {line[1]}" if line else ""
    one_line = " ".join(message.split())
    for pattern, fault in CSV_FAULTS:
        found = re.findall(pattern, one_line)
        if found:
            groups = found[-1] if isinstance(found[-1], tuple) else (found[-1],)
            return f"{where}: {fault.format(*groups)}"
    return f"{where}: it cannot be read as CSV. The log has the cause."
