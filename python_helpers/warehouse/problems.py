"""What went wrong in a build, one line per cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

LONGEST_CAUSE = 600  # characters; a longer cause is a listing, which the log has
# Parts of a cause that do not help on one line, and what replaces them.
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
        "The warehouse is open in another program (process {0}). Close it, then run again.",
    ),
    (
        r"Could not set lock on file",
        "The warehouse is open in another program. Close it, then run again.",
    ),
    (
        r"not a valid DuckDB database|older version of DuckDB|newer version of DuckDB",
        "The warehouse was not written by this version of DuckDB. Choose another one.",
    ),
    (r"Out of Memory Error", "Give the build more memory with --memory-limit."),
    (r"No space left on device", "Free some space on the disk."),
    (r"^Got (\d+) results?, configured to", "Run the compiled SQL to see the rows."),
    (
        r"Cannot open file .*: Permission denied",
        "Choose a warehouse that this user may write to.",
    ),
    (
        r"has an enforced contract that failed",
        "Make the model's columns match those in its YAML.",
    ),
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
    for pattern, advice in ADVICE:
        found = re.search(pattern, cause)
        if found:
            return f"{cause} {advice.format(*found.groups())}"
    return cause


def cause_of(*, message: str) -> str:
    """Return the cause in a message of dbt or DuckDB, on one line that is not too long."""
    return shortened(whole_cause_of(message=message))


def whole_cause_of(*, message: str) -> str:
    """Strip dbt's headings, call stack and line breaks from a message."""
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
