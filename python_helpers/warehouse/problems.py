"""What went wrong in a build, one line each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from python_helpers.delivery.files import RAW_SUFFIXES, table_of

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ResultNode
    from dbt.contracts.results import RunResult

LONGEST_CAUSE = 600  # characters; a cause longer than this is a listing, which the log has
# What a cause says that does not help on one line, and what to read instead.
NOISE = (
    (r" See also https://duckdb\.org\S+", ""),
    (r"( ?\| -[- |]*\|)", ""),  # the rule under a table's head
    (r"(has an enforced contract that failed)\. Please ensure .*? definition\.", r"\1:"),
    (r"(actual differs from expected): .*", r"\1; the log has the difference"),
)
# A pattern in a cause, and what to do about it; {0} is what the pattern's group matched.
ADVICE = (
    (
        r"Could not set lock on file.*?(?:\(PID (\d+)\))",
        "The warehouse is open in another program (process {0}): close it, then run again.",
    ),
    (
        r"Could not set lock on file",
        "The warehouse is open in another program: close it, then run again.",
    ),
    (
        r"not a valid DuckDB database|older version of DuckDB|newer version of DuckDB",
        "The warehouse was not written by this version of DuckDB: name another one.",
    ),
    (r"Out of Memory Error", "Give the build more memory with --memory-limit."),
    (r"No space left on device", "Free some space on the disk."),
    (r"^Got (\d+) results?, configured to", "Run the compiled SQL to see the rows."),
    (
        r"Cannot open file .*: Permission denied",
        "Name a warehouse this user may write to.",
    ),
    (
        r"has an enforced contract that failed",
        "Make the model's columns and the ones in its YAML the same.",
    ),
)
# What DuckDB says of a damaged CSV file, and what it means; {0}, {1} are what the groups matched.
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

# Failures that are of the moment: the disk, another program, a file that is being replaced.
PASSING = (
    r"Could not set lock on file",
    r"No space left on device|Disk quota exceeded|disk is full|could not write all data",
    r"Input/output error|Stale file handle|Resource temporarily unavailable",
    r"No such file or directory|No files found that match the pattern",
)


def may_pass(*, message: str) -> bool:
    """Tell whether the next try may find right what a message of dbt or DuckDB is about."""
    return bool(re.search("|".join(PASSING), message, re.IGNORECASE))


def problem_lines(
    *, results: Sequence[RunResult], statuses: Sequence[str], project_dir: Path
) -> list[str]:
    """Write a line per node that ended so: what it is, the cause, and where its SQL is."""
    return [
        f"{node_name(node=result.node)}: {explained(message=result.message or '')} "
        f"({sql_file(node=result.node, project_dir=project_dir)})"
        for result in results
        if str(result.status) in statuses
    ]


def node_name(*, node: ResultNode) -> str:
    """Name a node, with what it is about if it is a test that says so."""
    name = f"{str(node.resource_type).replace('_', ' ')} {node.name}"
    about = " ".join((node.description or "").split()).rstrip(".")
    return f"{name} ({about})" if about and "test" in node.resource_type else name


def sql_file(*, node: ResultNode, project_dir: Path) -> Path:
    """Find the compiled SQL of a node, or its source where it failed before there was any."""
    compiled = getattr(node, "compiled_path", None)
    if compiled and (project_dir / compiled).is_file():
        return project_dir / compiled
    return project_dir / node.original_file_path


def explained(*, message: str) -> str:
    """Say the cause in a message of dbt or DuckDB, and what to do about it if known."""
    cause = cause_of(message=message)
    for pattern, advice in ADVICE:
        found = re.search(pattern, cause)
        if found:
            return f"{cause} {advice.format(*found.groups())}"
    return cause


def raw_data_problem(*, message: str, folder: Path | None, tables: Sequence[str]) -> str | None:
    """Say on one line what is wrong with the raw data, if that is what a message is about.

    The folder and the tables tell which table a file belongs to.
    """
    for pattern in (
        r"Raw data: (.*)",
        r"(The data has several currencies.*)",
    ):
        found = re.search(pattern, whole_cause_of(message=message))
        if found:
            return shortened(found[1])
    if not folder:
        return None
    # the last, because the damaged line stands before it
    files = re.findall(r"^ *file = (.*)$", message, flags=re.MULTILINE)
    if files:
        return f"{place(file=files[-1], folder=folder, tables=tables)}{csv_fault(message=message)}"
    inside = re.escape(str(folder)) + rf"/.*?(?:{'|'.join(map(re.escape, RAW_SUFFIXES))})\b"
    found = re.search(inside, message)
    if found:
        where = place(file=found[0], folder=folder, tables=tables)
        if re.search(r"No magic bytes|too small to be a Parquet file", message):
            return f"{where} is cut, or no Parquet file. Deliver it again."
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


def cause_of(*, message: str) -> str:
    """Say the cause in a message of dbt or DuckDB, on one line that is not too long."""
    return shortened(whole_cause_of(message=message))


def whole_cause_of(*, message: str) -> str:
    """Strip a message of dbt's headings, its call stack and its line breaks."""
    lines = [line.strip() for line in message.strip().splitlines()]
    kept = [
        line
        for number, line in enumerate(lines)
        if not re.match(r"(>|compiled code at )", line)
        # 'Runtime Error in model x (models/x.sql)' repeats what the line starts with
        and not (number == 0 and len(lines) > 1 and re.match(r"\w+ Error( in .*)?$", line))
    ]
    cause = " ".join(" ".join(kept).split())
    for pattern, replacement in NOISE:
        cause = re.sub(pattern, replacement, cause)
    return cause


def shortened(cause: str, /) -> str:
    """Cut a cause that is too long, and end it as a sentence."""
    if len(cause) > LONGEST_CAUSE:
        return f"{cause[:LONGEST_CAUSE]}..."
    return cause if cause.endswith((".", "!", "?")) else f"{cause}."
