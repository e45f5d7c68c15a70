"""Reads what the charts show from the marts of a published build."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.sql import name, text
from python_helpers.report.chart import Chart, Row
from python_helpers.report.words import FEWEST_CUSTOMERS

SEGMENTS = ("region", "industry", "customer_segment", "acquisition_channel")
"""The segments of a customer; a mart with all of these columns is a cube, and can be sliced."""
MOST_VALUES = 6
"""Of each segment, as many values can be chosen in the report: those with the most customers."""
ALL = "All customers"
SLICED = "_sliced"


@dataclass(frozen=True, kw_only=True)
class Marts:
    """The marts of a build, with a sliced view of each that can be sliced."""

    connection: duckdb.DuckDBPyConnection
    segments: tuple[str, ...]
    """What can be chosen in the report: all customers first, then values of segments."""

    def rows(self, *, query: str) -> list[Row]:
        """Run a query; it has no rows where a mart or a column that it reads was not published."""
        try:
            result = self.connection.execute(query)
        except (duckdb.CatalogException, duckdb.BinderException):
            return []
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A chart with its rows, by the number of the segment; without segments all are under 0."""

    name: str
    chart: Chart
    is_sliced: bool
    rows: dict[int, list[Row]]
    sentences: dict[int, str]

    @property
    def switched(self) -> list[str]:
        """The values of the switch, in the order of the query."""
        switch = self.chart.switch
        return list(dict.fromkeys(str(row[switch]) for row in self.rows[0])) if switch else []


@contextmanager
def opened(*, database: Path, limits: str = "") -> Iterator[Marts]:
    """Open the marts of a build read-only, within limits of DuckDB, and nothing else."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"{limits}; set enable_external_access = false")
        yield Marts(connection=connection, segments=sliced(connection=connection))


def sliced(*, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Create the table of segments that can be chosen, and the sliced views."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where not internal"
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    names = "[{}]".format(", ".join(map(text, ("all", *SEGMENTS))))
    values = "['all', {}]".format(", ".join(SEGMENTS))
    of_customers = f"""
        select unnest({names}) as segment_name, unnest({values}) as segment_value
        from dim_customers
        where not is_anonymous
    """
    nobody = "select 'all' as segment_name, 'all' as segment_value"
    has_customers = columns.get("dim_customers", set()).issuperset({*SEGMENTS, "is_anonymous"})
    connection.execute(f"""
        create temp table chosen_segments as
        with customers as ({of_customers if has_customers else nobody}),
        counted as (
            select
                segment_name,
                segment_value,
                row_number() over (
                    partition by segment_name order by count(*) desc, segment_value
                ) as place,
                count(*) over (partition by segment_name) as values_count,
                count(*) as customers_count
            from customers
            group by segment_name, segment_value
        )
        select
            row_number() over (
                order by segment_name <> 'all', list_position({names}, segment_name), place
            ) - 1 as segment,
            segment_name,
            segment_value,
            case segment_name
                when 'all' then {text(ALL)}
                else upper(segment_name[1]) || replace(segment_name[2:], '_', ' ')
            end as segment_label,
            case segment_value when 'all' then {text(ALL)} else replace(segment_value, '_', ' ') end
                as value_label
        from counted
        where
            segment_name = 'all'
            or (
                values_count > 1
                and place <= {MOST_VALUES}
                and customers_count >= {FEWEST_CUSTOMERS}
            )
    """)
    for table, its_columns in columns.items():
        source = name(table)
        if its_columns.issuperset(SEGMENTS):
            source = f"(select *, unnest({names}) as segment_name, unnest({values}) "
            source += f"as segment_value from {name(table)})"
        elif not its_columns.issuperset({"segment_name", "segment_value"}):
            continue
        connection.execute(
            f"create temp view {name(table + SLICED)} as select * from {source} as mart "
            "inner join chosen_segments using (segment_name, segment_value)"
        )
    return tuple(
        label if label == value else f"{label}: {value}"
        for label, value in connection.execute(
            "select segment_label, value_label from chosen_segments order by segment"
        ).fetchall()
    )


def drawn(*, marts: Marts, name: str, chart: Chart) -> Drawn | None:
    """Read the rows of a chart, and say what they say; None where all customers have none."""
    rows: dict[int, list[Row]] = {}
    found = marts.rows(query=chart.query)
    is_sliced = bool(found) and "segment" in found[0]
    for row in found:
        rows.setdefault(row.get("segment", 0), []).append(row)
    if 0 not in rows:
        return None
    return Drawn(
        name=name,
        chart=chart,
        is_sliced=is_sliced,
        rows=rows,
        sentences={segment: chart.sentence(its_rows) for segment, its_rows in rows.items()},
    )


def values_of(*, rows: Sequence[Row], columns: Sequence[str]) -> list[list[Any]]:
    """Return the values of rows as JSON has them."""
    return [[plain(row[column]) for column in columns] for row in rows]


def plain(value: Any, /) -> Any:
    """Return a value as JSON has it: a day is text, a decimal is short, and NaN is None."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return float(f"{value:.6g}") if math.isfinite(value) else None
