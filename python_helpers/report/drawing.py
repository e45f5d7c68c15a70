"""What several charts of the report draw alike."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from python_helpers.report.chart import ROWS
from python_helpers.report.theme import colour

BARE: dict[str, Any] = {"domain": False, "ticks": False, "labelAngle": 0}
"""An axis of a heat map, whose cells need no lines."""

ONE_BELOW_ANOTHER: dict[str, Any] = {"columns": alt.expr("containerSize()[0] < 400 ? 1 : 0")}
"""A legend on a telephone, of a chart whose long names leave it no room for two columns."""


def folded(names: Mapping[str, str], /, *, what: str, number: str, **size: Any) -> alt.Chart:
    """Begin a chart that has a row per column of `names`, by its name in words.

    `what` is what the rows call the name, `number` its value, and `place` its place in `names`.
    """
    return (
        alt.Chart(alt.NamedData(name=ROWS), width="container", **size)
        .transform_fold(list(names), as_=[what, number])
        .transform_calculate(
            place=f"indexof({list(names)!r}, datum.{what})",
            **{what: f"{dict(names)!r}[datum.{what}]"},
        )
    )


def heat_map(
    *, x: alt.X, y: alt.Y, label: str, value: str = "datum.value", row_height: int = 22
) -> alt.LayerChart:
    """Draw a cell per row of the data, darker the greater its value is.

    `value` and `label`, what is written in a cell, are Vega expressions; `row_height` is in pixels.
    """
    grid = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(row_height))
        .transform_calculate(value=value)
        .transform_joinaggregate(largest="max(value)")
        .transform_calculate(depth="datum.value / datum.largest", label=label)
        .encode(x=x, y=y)
    )
    cells = grid.mark_rect(color=colour("blue"), stroke=colour("page")).encode(
        opacity=alt.Opacity("depth:Q", legend=None).scale(domain=[0, 1], range=[0.04, 1])
    )
    # what does not fit into its cell is only in the tooltip and the table
    size = alt.expr("6 * length(datum.label) + 6 < bandwidth('x') ? 10 : 0")
    values = grid.mark_text(fontSize=size, tooltip=False).encode(
        text="label:N",
        color=alt.when("datum.depth > 0.8")
        .then(alt.value(colour("page")))
        .otherwise(alt.value(colour("text"))),
    )
    return cells + values
