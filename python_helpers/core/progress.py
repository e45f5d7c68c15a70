"""What dbt is doing, in place of dbt's own console output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

# Hundreds of tests would bury the models: they are counted, and shown only where they fail.
SHOWN_AS_LINES = ("model", "seed", "snapshot")
FAILED = ("error", "fail")
# Warnings that say nothing about the data, or say again what the results of the run say.
SILENT_WARNINGS = (
    "LogTestResult",
    "RunResultWarning",
    "RunResultWarningMessage",
    "UnusedResourceConfigPath",  # the sample seeds are switched off when the input is another
)


@contextmanager
def shown_progress(*, console: Console) -> Iterator[Callable[[EventMsg], None]]:
    """Give a callback for dbt's events: a moving bar on a terminal, a line per model elsewhere."""
    with Progress(
        TextColumn("building"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("reading the project", total=None)
        total = 0
        finished = 0

        def show(event: EventMsg) -> None:
            nonlocal total, finished
            if event.info.name == "ConcurrencyLine":
                total = event.data.node_count
                progress.update(task, total=total)
            elif event.info.name == "NodeStart":
                progress.update(task, description=event.data.node_info.node_name)
            elif event.info.name == "NodeFinished":
                # dbt runs a unit test as a part of its model, and does not count it
                finished += event.data.node_info.resource_type != "unit_test"
                progress.update(task, completed=finished)
                line = node_line(event=event, number=finished, total=total)
                if line and (not console.is_terminal or event_failed(event=event)):
                    say(progress.console, line)

        yield show


def event_failed(*, event: EventMsg) -> bool:
    """Tell whether the node of a NodeFinished event failed."""
    return event.data.node_info.node_status in FAILED


def node_line(*, event: EventMsg, number: int, total: int) -> str | None:
    """Write the line of a model that ran or a test that failed; None for any other node."""
    node = event.data.node_info
    failed = event_failed(event=event)
    shown = node.resource_type in SHOWN_AS_LINES and node.node_status != "skipped"
    if not shown and not failed:
        return None
    width = len(str(total))
    outcome = "failed" if failed else f"{event.data.run_result.execution_time:.1f} s"
    return f"[{number:>{width}}/{total}] {node.node_name}  {outcome}"


def warning_text(*, event: EventMsg) -> str | None:
    """Return the warning an event carries, on one line; None if it has none worth showing."""
    if event.info.level != "warn" or event.info.name in SILENT_WARNINGS:
        return None
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", event.info.msg)
    return re.sub(r"^\[WARNING\]\S*:\s*", "", " ".join(without_colours.split()))


def say(console: Console, line: str, /) -> None:
    """Print one line as it is, however wide: a path that is broken cannot be copied."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
