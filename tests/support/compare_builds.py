"""Compare the marts of two builds row by row: `python compare_builds.py OLD.duckdb NEW.duckdb`.

It takes two published files, or two warehouses with `--schema marts`. Both must hold the same
tables, with the same columns and the same rows, equally often. Floating-point numbers may differ
from the eleventh significant digit on, where the order of summation shows. Exit code 1: something
differs, and the output says what.
"""

import argparse
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

SHOWN_ROWS = 5
OF_THE_RUN = frozenset({"dim_build"})
"""Tables that tell of the run rather than of the data."""


def differences(
    *, old: Path, new: Path, schema: str = "main", but: Collection[str] = OF_THE_RUN
) -> Iterator[str]:
    """Tell what differs between the tables of two files, a text for each table."""
    with duckdb.connect() as both:
        both.execute(f"attach '{old}' as old (read_only)")
        both.execute(f"attach '{new}' as new (read_only)")
        columns = {side: columns_of(both, side=side, schema=schema) for side in ("old", "new")}
        if not columns["old"]:
            yield f"{old} has no tables in schema {schema}"
        for table in sorted(columns["old"].keys() | columns["new"].keys()):
            if table in but:
                continue
            before, after = columns["old"].get(table), columns["new"].get(table)
            if before is None or after is None:
                yield f"{table}: only in the {'new' if before is None else 'old'} file"
            elif before != after:
                yield f"{table}: other columns: {set(before.items()) ^ set(after.items())}"
            else:
                yield from rows_that_differ(both, schema=schema, table=table, columns=before)


def columns_of(
    connection: duckdb.DuckDBPyConnection, *, side: str, schema: str
) -> dict[str, dict[str, str]]:
    """Return the columns of each table, with their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? order by all",
        [side, schema],
    ).fetchall():
        found.setdefault(table, {})[column] = data_type
    return found


def rows_that_differ(
    connection: duckdb.DuckDBPyConnection, *, schema: str, table: str, columns: dict[str, str]
) -> Iterator[str]:
    """Tell which rows only one of the files has, if any."""
    compared = ", ".join(
        f'printf(\'%.10g\', "{name}") as "{name}"' if kind in ("DOUBLE", "FLOAT") else f'"{name}"'
        for name, kind in columns.items()
    )
    rows = {side: f"select {compared} from {side}.{schema}.{table}" for side in ("old", "new")}
    for side, other in (("old", "new"), ("new", "old")):
        alone = connection.sql(f"({rows[side]}) except all ({rows[other]})")
        count = alone.count("*").fetchall()[0][0]
        if count:
            yield f"{table}: {count} rows only in the {side} file\n{alone.limit(SHOWN_ROWS)}"


def main() -> None:
    """Compare the two files that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--schema", default="main")
    given = parser.parse_args()
    found = list(differences(old=given.old, new=given.new, schema=given.schema))
    print("\n".join(found) or "The two builds are equal in every table.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
