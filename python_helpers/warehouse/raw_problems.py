"""What is wrong with the raw data, read from a message of dbt or DuckDB."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from python_helpers.delivery.files import RAW_SUFFIXES, table_of
from python_helpers.warehouse.problems import cause_of, shortened


def raw_data_problem(*, message: str, folder: Path | None, tables: Sequence[str]) -> str | None:
    """Say on one line what is wrong with the raw data; None if something else is wrong."""
    cause = cause_of(message=message)
    found = re.search(r"Raw data: (.*)|(The data has several currencies.*)", cause)
    if found:
        return found[1] or found[2]
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
        return f"{where} cannot be read: {cause} Deliver it again."
    return None


def place(*, file: str, folder: Path, tables: Sequence[str]) -> str:
    """Name the table of a raw file, then the file."""
    table = table_of(file=Path(file), folder=folder, tables=tables)
    return f"{table}: {file}" if table else file


def csv_fault(*, message: str) -> str:
    """Say which line of a CSV file is damaged, and how. What is in the line is not shown."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f", line {line[1]}" if line else ""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    causes = (line for line, after in pairwise(lines) if after.startswith("Possible "))
    cause = next(causes, "It cannot be read as CSV; the log has the cause.")
    return f"{where}: {shortened(cause)} Correct the file."
