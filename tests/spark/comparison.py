"""Compares the marts of two engines: which rows differ, in which columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.sql import name, text

RELATIVE = 1e-6
"""Ratios and fits may differ by this share; counts, days and words may not, money not by a cent."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a mart says on two engines."""

    mart: str
    rows: int
    other_rows: int
    differing_rows: int
    """Rows of either engine that the other does not have, or has with other values."""
    columns: Mapping[str, int]
    """Column -> rows in which it differs."""

    def line(self) -> str:
        """Return the line of the table: mart, rows, differing rows."""
        said = ", ".join(f"{column} {rows}" for column, rows in self.columns.items())
        rows = f"{self.rows}" if self.rows == self.other_rows else f"{self.rows}/{self.other_rows}"
        return f"{self.mart:34} {rows:>9} {self.differing_rows:>9}  {said}".rstrip()


def marts_of(*, manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the grain of each mart, by its name."""
    nodes = manifest["nodes"].values()
    return {
        node["name"]: node["config"]["meta"]["grain"]
        for node in nodes
        if node["resource_type"] == "model" and node["config"].get("schema") == "marts"
    }


def differs(column: str, kind: str, /) -> str:
    """Return the condition that a column has different values in the rows a and b."""
    left, right = f"a.{name(column)}", f"b.{name(column)}"
    if kind in ("DOUBLE", "FLOAT"):
        size = f"greatest(abs({left}), abs({right}), 1)"
        return (
            f"(({left} is null) <> ({right} is null) or isnan({left}) <> isnan({right}) "
            f"or abs({left} - {right}) > {RELATIVE} * {size})"
        )
    if column == "raw_row":
        left, right = f"{left}::json", f"{right}::json"
    return f"({left} is distinct from {right})"


def difference(
    *,
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    relation: str,
    other: str,
    grain: Sequence[str],
) -> Difference:
    """Compare two relations with the columns of a mart, row by row of its grain."""
    types = {
        row[0]: row[1]
        for row in connection.execute(f"describe select * from {relation}").fetchall()
    }
    other_names = {
        row[0] for row in connection.execute(f"describe select * from {other}").fetchall()
    }
    missing = {column: -1 for column in other_names ^ {*types}}
    columns = [column for column in types if column in other_names]
    keys = [key for key in grain if key in columns]
    on = " and ".join(f"a.{name(key)} is not distinct from b.{name(key)}" for key in keys)
    flags = {column: differs(column, types[column]) for column in columns}
    counts = ", ".join(
        f"count(*) filter (a._here and b._here and {flag})" for flag in flags.values()
    )
    either = " or ".join(flags.values())
    row = connection.execute(
        f"select count(a._here), count(b._here), "
        f"count(*) filter (a._here is null or b._here is null or {either}), {counts} "
        f"from (select *, true as _here from {relation}) as a "
        f"full join (select *, true as _here from {other}) as b on {on}"
    ).fetchone()
    assert row
    found = {column: rows for column, rows in zip(flags, row[3:], strict=True) if rows}
    return Difference(
        mart=mart,
        rows=row[0],
        other_rows=row[1],
        differing_rows=row[2],
        columns=missing | found,
    )


def differences(
    *, warehouse: Path, tables: Path, manifest: Mapping[str, Any]
) -> Iterator[Difference]:
    """Compare every mart of a DuckDB warehouse with the Parquet files of a Spark warehouse."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {text(str(warehouse))} as warehouse (read_only)")
        for mart, grain in sorted(marts_of(manifest=manifest).items()):
            files = tables / "marts.db" / mart / "*.parquet"
            yield difference(
                connection=connection,
                mart=mart,
                relation=f"warehouse.marts.{name(mart)}",
                other=f"read_parquet({text(str(files))})",
                grain=grain,
            )
