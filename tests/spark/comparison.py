"""Compares the marts of two engines row by row of their grain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.sql import name, text

RELATIVE = 1e-6
"""By so much a floating-point number may differ, and from a number below 1 by this itself."""
OF_THE_RUN = {"dim_build": {"built_at", "build_id"}}
"""Columns that tell of the run rather than of the data."""
JSON = ("raw_row",)
"""Columns whose text is JSON, which is compared as such."""

Contract = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a mart says on two engines."""

    mart: str
    rows: int
    other_rows: int
    differing_rows: int
    """Rows of either engine that the other lacks, or has with other values."""
    columns: Mapping[str, int]
    """Column -> rows in which it differs; -1 for a column that one engine lacks."""

    def line(self) -> str:
        """Return the line of the table: mart, rows, differing rows, and in which columns."""
        rows = f"{self.rows:,}" + (
            f" and {self.other_rows:,}" if self.rows != self.other_rows else ""
        )
        said = ", ".join(f"{column} {rows}" for column, rows in self.columns.items())
        return f"{self.mart:34} {rows:>10} {self.differing_rows:>8,} {said}".rstrip()


def contracts(*, manifest: Mapping[str, Any]) -> dict[str, Contract]:
    """Return the node of each mart, by its name."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["original_file_path"].startswith("models/marts")
    }


def differs(column: str, kind: str, /) -> str:
    """Return the condition that a column has different values in the rows `one` and `other`.

    Counts, days, words and money have to be the same; ratios and fits to six digits.
    """
    one, other = f"one.{name(column)}", f"other.{name(column)}"
    if kind in ("DOUBLE", "FLOAT"):
        size = f"greatest(abs({one}), abs({other}), 1)"
        return (
            f"({one} is distinct from {other} and not coalesce(isfinite({one}) and "
            f"isfinite({other}) and abs({one} - {other}) <= {RELATIVE} * {size}, false))"
        )
    if column in JSON:
        one, other = f"{one}::json", f"{other}::json"
    return f"({one} is distinct from {other})"


def difference(
    *,
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    relations: tuple[str, str],
    grain: Sequence[str],
) -> Difference:
    """Compare two relations with the columns of a mart."""
    types, others = (
        {
            column: kind
            for column, kind, *_ in connection.execute(
                f"describe select * from {relation}"
            ).fetchall()
            if column not in OF_THE_RUN.get(mart, ())
        }
        for relation in relations
    )
    flags = {column: differs(column, types[column]) for column in types if column in others}
    on = " and ".join(
        f"one.{name(key)} is not distinct from other.{name(key)}" for key in grain if key in flags
    )
    either = " or ".join(["one.here is null", "other.here is null", *flags.values()])
    counted = "".join(
        f", count(*) filter (one.here and other.here and {flag})" for flag in flags.values()
    )
    found = connection.execute(
        f"select count(one.here), count(other.here), count(*) filter ({either}){counted} "
        f"from (select *, true as here from {relations[0]}) as one "
        f"full join (select *, true as here from {relations[1]}) as other on {on or 'true'}"
    ).fetchall()[0]
    return Difference(
        mart=mart,
        rows=found[0],
        other_rows=found[1],
        differing_rows=found[2],
        columns={column: -1 for column in types.keys() ^ others.keys()}
        | {column: rows for column, rows in zip(flags, found[3:], strict=True) if rows},
    )


def differences(
    *, published: Path, schema: Path, manifest: Mapping[str, Any]
) -> Iterator[Difference]:
    """Compare every mart of a published file of DuckDB with the tables of a schema of Spark."""
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = 'UTC'; attach {text(published)} as marts (read_only)")
        for mart, node in sorted(contracts(manifest=manifest).items()):
            files = schema / mart / "*.parquet"
            yield difference(
                connection=connection,
                mart=mart,
                relations=(f"marts.{name(mart)}", f"read_parquet({text(files)})"),
                grain=node["config"]["meta"]["grain"],
            )
