"""Draws one chart as a picture, without a browser."""

import re
from pathlib import Path
from typing import Any

import vl_convert

from python_helpers.core.errors import SettingsError
from python_helpers.report.chart import ROWS, Chart
from python_helpers.report.data import drawn, opened, plain
from python_helpers.report.theme import COLOURS, config

PICTURES = (".svg", ".png")
WIDTHS = {False: 480, True: 760}
"""Pixels, without axes: of a chart, and of a wide one."""


def write_picture(*, database: Path, chart: Chart, target: Path, limits: str = "") -> None:
    """Draw a chart of all customers, in light; of a switch, what it shows first.

    Raises SettingsError where the build has no data for it.
    """
    with opened(database=database, limits=limits) as marts:
        found = drawn(marts=marts, name=target.stem, chart=chart)
    if not found:
        raise SettingsError(f"This build has no data for: {chart.title}.")
    rows = [
        {name: plain(row[name]) for name in chart.columns}
        for row in found.rows[0]
        if not chart.switch or str(row[chart.switch]) == found.switched[0]
    ]
    spec = in_light(
        chart.spec().to_dict()
        | {
            "width": WIDTHS[chart.is_wide],
            "title": {"text": chart.title, "subtitle": found.sentences[0]},
            "datasets": {ROWS: rows},
            "background": "white",
            "padding": 12,
            "config": config() | {"aria": True},  # each mark says its numbers
        }
    )
    if target.suffix == ".svg":
        target.write_text(vl_convert.vegalite_to_svg(spec))
    else:
        target.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))


def in_light(value: Any, /) -> Any:
    """Put the light colours where the specification has the names of colours."""
    if isinstance(value, dict):
        return {name: in_light(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_light(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"var\(--(\w+)\)", lambda found: COLOURS[found[1]][0], value)
    return value
