"""What dbt is doing, in place of dbt's own console output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from python_helpers.core.log import say

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

FAILED = ("error", "fail")
# Warnings that are not about the data, or that the results of the run repeat.
SILENT_WARNINGS = (
    "LogTestResult",
    "RunResultWarning",
    "RunResultWarningMessage",
    "UnusedResourceConfigPath",  # the sample seeds are disabled when the input is another one
)


@contextmanager
def shown_progress(*, console: Console) -> Iterator[Callable[[EventMsg], None]]:
    """Give a callback for dbt's events; on a terminal it moves a bar and names what failed."""
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

        def show(event: EventMsg) -> None:
            if event.info.name == "ConcurrencyLine":
                progress.update(task, total=event.data.node_count)
            elif event.info.name == "NodeStart":
                progress.update(task, description=event.data.node_info.node_name)
            elif event.info.name == "NodeFinished":
                node = event.data.node_info
                # dbt runs a unit test as a part of its model, and does not count it
                progress.advance(task, node.resource_type != "unit_test")
                if node.node_status in FAILED and console.is_terminal:
                    say(progress.console, f"{node.node_name}  failed")

        yield show


def warning_text(*, event: EventMsg) -> str | None:
    """Return the warning of an event, on one line; None if it has none worth showing."""
    if event.info.level != "warn" or event.info.name in SILENT_WARNINGS:
        return None
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", event.info.msg)  # type: ignore[attr-defined]
    return re.sub(r"^\[WARNING\]\S*:\s*", "", " ".join(without_colours.split()))
