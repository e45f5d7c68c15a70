"""What went wrong in a build, one line per cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from python_helpers.core.log import without_values
from python_helpers.delivery.csv_lines import lines_fault
from python_helpers.delivery.files import RAW_SUFFIXES, table_of

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

LONGEST_CAUSE = 600  # characters; a longer cause is a listing, which the log has
# A pattern in a cause, and what to do about it.
ADVICE = (
    (
        "Could not set lock on file",
        "The warehouse is open in another program. Close it, then run again.",
    ),
    (
        "not a valid DuckDB database|older version of DuckDB|newer version of DuckDB",
        "The warehouse was not written by this version of DuckDB. Choose another one.",
    ),
    (
        "max_temp_directory_size",
        "DuckDB has spilled as much to disk as --max-spill allows. A small file can hold very many "
        "rows: look at the delivery. If it is right, allow more, or more memory with "
        "--memory-limit.",
    ),
    ("Out of Memory Error", "Give the build more memory with --memory-limit."),
    ("No space left on device", "Free some space on the disk."),
    ("Cannot open file .*: Permission denied", "Choose a warehouse that this user may write to."),
)
# Failures of the moment: the disk, another program, a file that is being replaced.
PASSING = (
    r"Could not set lock on file",
    r"No space left on device|Disk quota exceeded|disk is full|could not write all data",
    r"Input/output error|Stale file handle|Resource temporarily unavailable",
    r"No such file or directory|No files found that match the pattern",
)


def may_pass(*, message: str) -> bool:
    """Tell whether the cause in a message of dbt or DuckDB may be gone at the next try."""
    return bool(re.search("|".join(PASSING), message, re.IGNORECASE))


def problem_lines(
    *, results: Sequence[RunResult], statuses: Sequence[str], project_dir: Path
) -> list[str]:
    """Write a line per node with one of these statuses: its name, the cause, where its SQL is."""
    lines = []
    for result in results:
        if str(result.status) in statuses:
            node = result.node
            name = f"{str(node.resource_type).replace('_', ' ')} {node.name}"
            about = " ".join((node.description or "").split()).rstrip(".")
            if about and "test" in node.resource_type:
                name += f" ({about})"
            # a node that failed before it was compiled has its source alone
            compiled = project_dir / (getattr(node, "compiled_path", None) or "")
            file = compiled if compiled.is_file() else project_dir / node.original_file_path
            lines.append(f"{name}: {explained(message=result.message or '')} ({file})")
    return lines


def explained(*, message: str) -> str:
    """Return the cause in a message of dbt or DuckDB, and what to do about it if known."""
    cause = cause_of(message=message)
    advice = (advice for pattern, advice in ADVICE if re.search(pattern, cause))
    return " ".join([cause, next(advice, "")]).rstrip()


def cause_of(*, message: str) -> str:
    """Strip dbt's headings, call stack, line breaks and values from a message; not too long."""
    lines = [line.strip() for line in without_values(message).strip().splitlines()]
    # 'Runtime Error in model x (models/x.sql)' repeats what the line starts with
    if len(lines) > 1 and re.match(r"\w+ Error( in .*)?$", lines[0]):
        lines = lines[1:]
    kept = [line for line in lines if not re.match(r"(>|compiled code at )", line)]
    cause = " ".join(" ".join(kept).split())
    # what DuckDB suggests is for people who write SQL
    hints = "See also https:|Possible solutions:|By default, this |Stack Trace:"
    return shortened(re.sub(rf" ({hints}).*", "", cause))


def shortened(cause: str, /) -> str:
    """Cut a cause that is too long, and end it as a sentence."""
    if len(cause) > LONGEST_CAUSE:
        return f"{cause[:LONGEST_CAUSE]}..."
    return cause if cause.endswith((".", "!", "?")) else f"{cause}."


def raw_data_problem(*, message: str, folder: Path | None, tables: Sequence[str]) -> str | None:
    """Say what is wrong with the raw data, one line per fault; None if something else is wrong."""
    faults = message.split("Raw data: ")[1:]
    if faults:
        return "\n".join(cause_of(message=fault) for fault in faults)
    cause = cause_of(message=message)
    found = re.search(r"The data has several currencies.*", cause)
    if found:
        return found[0]
    if not folder:
        return None
    # .csv.gz before .csv, which it begins with
    suffixes = "|".join(map(re.escape, sorted(RAW_SUFFIXES, reverse=True)))
    inside = re.escape(str(folder)) + rf"/.*?(?i:{suffixes})\b"
    of_csv = re.findall(r"^ *file = (.*)$", message, flags=re.MULTILINE)
    files = of_csv or re.findall(inside, message)[:1]
    if not files:
        return None
    # the last one: the damaged line comes before it
    file = files[-1]
    table = table_of(file=Path(file), folder=folder, tables=tables)
    where = f"{table}: {file}" if table else file
    if of_csv:
        return f"{where}{csv_fault(message=message, file=Path(file))}"
    # what is no UTF-8 in a Parquet file may be somebody's name
    cause = re.sub(r': value ".*" is not valid', ": a value is not valid", cause)
    return f"{where} cannot be read: {cause} Deliver it again."


def csv_fault(*, message: str, file: Path) -> str:
    """Say which line of a CSV file is damaged, and how. What is in the line is not shown."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f", line {line[1]}" if line else ""
    if "Invalid unicode" in message:
        return f"{where}: A character is not UTF-8. Save the file as CSV (UTF-8)."
    if "state machine reached an invalid state" in message:
        return f"{where}: Its lines end in two ways, or a quote is out of place. Correct the file."
    skipped = re.search(r"skip_rows = (\d+)", message)
    if line and skipped:
        fault = lines_fault(file=file, number=int(line[1]), skipped=int(skipped[1]))
        if fault:
            return f", {fault}"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    causes = (line for line, after in pairwise(lines) if after.startswith("Possible "))
    cause = next(causes, "It cannot be read as CSV; the log has the cause.")
    return f"{where}: {shortened(cause)} Correct the file."
