"""What dbt is doing, in place of dbt's own console output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

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
    """Give a callback for dbt's events; on a terminal it says which node starts."""
    status = console.status("Reading the project")

    def show(event: EventMsg) -> None:
        if event.info.name == "LogStartLine":
            node = event.data
            status.update(escape(f"{node.index} of {node.total}: {node.description}"))

    with status if console.is_terminal else nullcontext():
        yield show


def warning_text(*, event: EventMsg) -> str | None:
    """Return the warning of an event, on one line; None if it has none worth showing."""
    if event.info.level != "warn" or event.info.name in SILENT_WARNINGS:
        return None
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", event.info.msg)  # type: ignore[attr-defined]
    return re.sub(r"^\[WARNING\]\S*:\s*", "", " ".join(without_colours.split()))
