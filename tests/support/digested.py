"""Published builds of a few marts with chosen numbers, made by the project's SQL without dbt."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from lifecycle import PROJECT

from python_helpers.core.disk import sha256
from python_helpers.delivery.rendering import Macros
from python_helpers.publishing.builds import BUILDS, DATABASE, MANIFEST, make_live

MONTHS = [f"2024-{month:02}-01" for month in range(1, 13)] + ["2025-01-01"]
LAST = MONTHS[-1]
OTHER_SEGMENTS = ("x", "x", "x")
MRR = ("new", "expansion", "contraction", "churn", "reactivation", "fx")
ACCOUNTS = {"c1": 70, "c2": -60, "c3": 50, "c4": -40, "c5": 30, "c6": 20, "c7": 10}
"""Customers and what the last month did to their recurring revenue."""


PERIOD = "period_grain varchar, period_start_date date"
SEGMENTS = "region varchar, industry varchar, customer_segment varchar, acquisition_channel varchar"
SLICE = "segment_name varchar, segment_value varchar"
RETAINED = f"""relationship varchar, {PERIOD}, {SEGMENTS}, lost_customers bigint,
    opening_customers bigint, active_in_period_customers bigint"""
PERIODS = f"{PERIOD}, closes_on date, is_complete_period boolean, has_rates boolean"
SCORE = "ci_low double, ci_high double"
TABLES = {
    "int_periods": PERIODS,
    "dim_periods": PERIODS,
    "rpt_retention_periods": RETAINED,
    "int_retention_periods_counted": RETAINED,
    "int_margin_months": f"""relationship varchar, margin_month date, {SEGMENTS},
        margin_amount double""",
    "rpt_cohort_retention": f"""relationship varchar, cohort_month date, months_since bigint,
        {SEGMENTS}, active_customers bigint, cohort_customers bigint, is_complete_period boolean,
        is_first_cohort_oversized boolean""",
    "rpt_nps": f"""{PERIOD}, {SLICE}, responses bigint, promoters bigint, detractors bigint,
        nps double, {SCORE}""",
    "rpt_csat": f"""{PERIOD}, {SLICE}, responses bigint, satisfied_responses bigint,
        csat double, {SCORE}""",
    "rpt_mrr_periods": f"""{PERIOD}, {SEGMENTS},
        {", ".join(f"{name}_mrr_amount decimal(18, 2)" for name in MRR)},
        opening_mrr_amount decimal(18, 2), closing_mrr_amount decimal(18, 2),
        gross_retained_mrr_amount decimal(18, 2), net_retained_mrr_amount decimal(18, 2)""",
    "fct_mrr_movements": """customer_id varchar, moved_on date, movement varchar,
        mrr_change_amount decimal(18, 2)""",
    "fct_customer_triggers": """customer_id varchar, trigger_name varchar,
        expected_value_amount decimal(18, 2), customer_rank bigint""",
    "rpt_restatements": f"""mart varchar, measure varchar, {PERIOD}, published_value double,
        current_value double, value_change double""",
}


@dataclass(frozen=True, kw_only=True)
class Books:
    """What a build counts: 60 of 300 customers lost every month, and other numbers on request."""

    lost: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By month, those of the 150 of each of two regions who were lost, if they are not 30."""
    relationships: Sequence[str] = ("any",)
    cohorts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By month of the first spell, the customers who are active a month later, of how many."""
    regions: tuple[str, str] = ("north", "south")
    mrr: Mapping[str, int] = field(default_factory=dict)
    triggers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By trigger, what contacts are worth, each of another customer's best reason."""
    restated: Sequence[tuple[str, float, float]] = ()
    """Closed months of revenue, with what was published and what is now."""
    nps: Mapping[str, tuple[int, int, float, float, float]] = field(default_factory=dict)
    """By month promoters and detractors of 100 answers, the score and its interval."""


def publish(
    folder: Path,
    /,
    *,
    build_id: str,
    books: Books | None = None,
    warnings: Collection[str] | None = (),
    months: Sequence[str] = MONTHS,
    drop: Collection[str] = (),
    **manifest: Any,
) -> Path:
    """Publish a build and make it live; returns its folder."""
    build = folder / BUILDS / build_id
    build.mkdir(parents=True)
    with duckdb.connect(str(build / DATABASE)) as connection:
        write_marts(connection, books=books or Books(), months=months)
        for table in drop:
            connection.execute(f"drop table {table}")
        rows = dict(
            connection.execute("select table_name, estimated_size from duckdb_tables()").fetchall()
        )
    manifest = {"as_of_date": "2025-01-31", "reporting_currency": "EUR", **manifest}
    if warnings is not None:
        manifest["warnings"] = list(warnings)
    manifest["rows"] = rows
    file = {"bytes": 1, "sha256": sha256(build / DATABASE)}
    (build / MANIFEST).write_text(json.dumps(manifest | {"files": {DATABASE: file}}))
    make_live(build=build, publish_dir=folder)
    return build


def write_marts(
    connection: duckdb.DuckDBPyConnection, /, *, books: Books, months: Sequence[str]
) -> None:
    """Write the marts that a digest reads, and what they are made of."""

    def fill(name: str, rows: Sequence[Sequence[object]]) -> None:
        connection.execute(f"create table {name} ({TABLES[name]})")
        if rows:
            places = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
            values = [value for row in rows for value in row]
            connection.execute(f"insert into {name} values {places}", values)

    fill("int_periods", [("month", month, month, True, True) for month in months])
    fill("dim_periods", [("month", month, month, True, True) for month in months])
    retained = [
        (relationship, "month", month, region, *OTHER_SEGMENTS, lost, 150, 150)
        for relationship in books.relationships
        for month in months
        for region, lost in zip(books.regions, books.lost.get(month, (30, 30)), strict=True)
    ]
    fill("rpt_retention_periods", retained)
    fill("int_retention_periods_counted", retained)
    fill("int_margin_months", [])
    fill(
        "rpt_cohort_retention",
        [
            ("any", month, 1, "north", *OTHER_SEGMENTS, active, won, True, False)
            for month, (active, won) in books.cohorts.items()
        ],
    )
    fill("rpt_nps", [("month", m, "all", "all", 100, *rest) for m, rest in books.nps.items()])
    fill("rpt_csat", [])
    opening, closing = books.mrr.get("opening", 0), sum(books.mrr.values())
    moved = [books.mrr.get(name, 0) for name in MRR]
    fill(
        "rpt_mrr_periods",
        [
            ("month", m, "north", *OTHER_SEGMENTS, *moved, opening, closing, opening, opening)
            for m in months
        ],
    )
    fill(
        "fct_mrr_movements", [(name, LAST, "expansion", moved) for name, moved in ACCOUNTS.items()]
    )
    fill(
        "fct_customer_triggers",
        [
            row
            for name, values in books.triggers.items()
            for number, value in enumerate(values)
            for row in ((f"{name}{number}", name, value, 1), (f"{name}{number}", "other", 1, 2))
        ],
    )
    fill(
        "rpt_restatements",
        [
            ("rpt_revenue_mix", "total_revenue_amount", "month", month, before, now, now - before)
            for month, before, now in books.restated
        ],
    )
    for name in ("rpt_changes", "rpt_rate_drivers"):
        connection.execute(f"create table {name} as {sql_of(name)}")


@cache
def sql_of(mart: str, /) -> str:
    """Return the SQL of a mart, which reads tables of the database it is in."""
    with duckdb.connect() as connection:
        macros = Macros(connection=connection, project_dir=PROJECT)
        macros.made |= dict(zip(TABLES, TABLES, strict=True))  # each by its name
        return macros.render(PROJECT / "models" / "marts" / "headlines" / f"{mart}.sql")
