"""Puts the report together: one file that needs no network, and pictures of single charts."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import vl_convert
from markupsafe import Markup

from python_helpers.report import tiles
from python_helpers.report.chart import found_charts
from python_helpers.report.data import Drawn, Marts, drawn, opened, plain, values_of
from python_helpers.report.theme import config, variables

HERE = files(__package__)


def write_report(
    *,
    database: Path,
    facts: Mapping[str, Any],
    target: Path,
    before: Path | None = None,
    cache: Path,
    limits: str = "",
) -> None:
    """Write the report of published marts, with changes since the build before if there is one.

    `facts` are build_id, as_of_date, reporting_currency and, if known, warnings and audit, as a
    manifest has them. `cache` is a folder that keeps Vega's code between runs. Raises duckdb.Error
    and OSError.
    """
    charts = found_charts()
    with opened(database=database, limits=limits) as marts:
        found = [drawn(marts=marts, name=name, chart=chart) for name, chart in charts.items()]
        known_tiles = tiles_of(marts=marts)
        segments = marts.segments
    if before:
        last_build: dict[tuple[str, str], Any] = {}
        # what somebody did to an old build is no reason to show nothing of this one
        with suppress(duckdb.Error), opened(database=before, limits=limits) as marts:
            last_build = values_by_name(marts=marts)
        for segment, its_tiles in known_tiles.items():
            for tile in its_tiles:
                tile["last_build"] = last_build.get((segments[segment], tile["tile"]))
    shown = [each for each in found if each]
    sections: dict[str, list[Drawn]] = {}
    for each in shown:
        sections.setdefault(each.chart.section, []).append(each)
    glance = {segment: tiles.sentence(rows) for segment, rows in known_tiles.items()}
    data = {
        "config": config(),
        "tiles": {
            segment: [
                {name: plain(row.get(name)) for name in (*tiles.COLUMNS, "last_build")}
                for row in rows
            ]
            for segment, rows in known_tiles.items()
        },
        "glance": glance,
        "charts": [in_page(each) for each in shown],
    }
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (HERE / "page.html.j2").read_text()
    )
    target.write_text(
        page.render(
            as_of=facts["as_of_date"],
            facts=f"As of {facts['as_of_date']}. Amounts in {facts['reporting_currency']}.",
            segments=segments,
            sections=sections,
            glance=glance.get(0, "No month is complete yet."),
            warnings=facts.get("warnings") or [],
            audit=said_of_audit(facts.get("audit") or {}),
            left_out=[
                chart.title for chart, each in zip(charts.values(), found, strict=True) if not each
            ],
            footer=f"Build {facts['build_id']}.",
            variables=safe(variables()),
            css=safe((HERE / "page.css").read_text()),
            js=safe((HERE / "page.js").read_text()),
            vega=safe(vega(cache=cache)),
            data=Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
        )
    )


def said_of_audit(audit: Mapping[str, Any], /) -> str:
    """Say how the audit went."""
    if audit.get("skipped"):
        return "The audit was skipped."
    counts = audit.get("expectations") or {}
    words = {"passed": "met", "warn": "not met", "not asked": "not asked"}
    said = (f"{counts[name]} {word}" for name, word in words.items() if counts.get(name))
    return f"Of the expectations of the audit, {', '.join(said)}." if counts else ""


def tiles_of(*, marts: Marts) -> dict[int, list[dict[str, Any]]]:
    """Read the tiles of each segment."""
    found: dict[int, list[dict[str, Any]]] = {}
    for query in tiles.queries():
        for row in marts.rows(query=query):
            found.setdefault(row["segment"], []).append(dict(row))
    return found


def values_by_name(*, marts: Marts) -> dict[tuple[str, str], Any]:
    """Read the tiles of another build, whose segments may have other numbers."""
    return {
        (marts.segments[segment], row["tile"]): row["value"]
        for segment, rows in tiles_of(marts=marts).items()
        for row in rows
    }


def in_page(each: Drawn, /) -> dict[str, Any]:
    """Describe a chart as the script of the page reads it."""
    chart = each.chart
    return {
        "name": each.name,
        "title": chart.title,
        "columns": {name: vars(column) for name, column in chart.columns.items()},
        "switch": chart.switch,
        "is_sliced": each.is_sliced,
        "spec": chart.spec().to_dict(),
        "sentences": each.sentences,
        "rows": {
            segment: values_of(rows=rows, columns=tuple(chart.columns))
            for segment, rows in each.rows.items()
        },
    }


def safe(text: str, /) -> Any:
    """Mark text as part of the page's code; nothing in it ends its element early."""
    return Markup(re.sub("</(?=script|style)", r"<\\/", text, flags=re.IGNORECASE))


def vega(*, cache: Path) -> str:
    """Return Vega's code for browsers. Bundling it takes seconds, so the folder keeps it."""
    kept = cache / f"vega-{version('vl-convert-python')}.js"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # another run may write it at the same time: a rename replaces it whole
        new = kept.with_suffix(f".{id(kept)}.new")
        new.write_text(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
        new.replace(kept)
    return kept.read_text()
