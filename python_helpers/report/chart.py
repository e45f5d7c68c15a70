"""What a chart of the report is: a query of marts, a Vega-Lite specification, and a sentence."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from python_helpers.report import charts

if TYPE_CHECKING:
    import altair

Row = Mapping[str, Any]

ROWS = "rows"
"""What a specification calls the data of its chart."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a chart's query, as its table shows it."""

    label: str
    unit: str = "text"
    """`text`, `month`, `day`, `count`, `money` (of the reporting currency), `share`, `number`."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart of the report, in a module of its own in `charts`."""

    place: int
    """Where it is in the report; a section is where the first of its charts is."""
    section: str
    title: str
    query: str
    """Reads marts of the build. `<mart>_sliced` holds the rows of the mart for each segment that
    can be chosen in the report; then `segment` must be among the selected columns."""
    columns: Mapping[str, Column]
    """The selected columns that the drawing and the table show, in the order of the table; the
    others, but for `segment`, are for the sentence."""
    spec: Callable[[], altair.TopLevelMixin]
    sentence: Callable[[Sequence[Row]], str]
    """Says what the rows of one segment say; it gets at least one."""
    is_wide: bool = False
    """Whether it takes the whole width of the page."""
    switch: str | None = None
    """The column whose values are shown one at a time, with a switch between them."""


def found_charts() -> dict[str, Chart]:
    """Import every chart; returns them by the name of their module, in their order."""
    names = [module.name for module in pkgutil.iter_modules(charts.__path__)]
    modules = {name: importlib.import_module(f"{charts.__name__}.{name}") for name in names}
    found: dict[str, Chart] = {name: module.CHART for name, module in modules.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].place))
