"""Checks that a table in Postgres holds what DuckDB sent, by one query that both understand."""

import math
import re
from collections.abc import Iterator

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name
from python_helpers.export.postgres.server import Server
from python_helpers.publishing.reader import Column, Mart

CLOSE = 1e-9  # of a sum: the order of floating-point additions matters
NUMBERS = r"DECIMAL\(.*\)|(TINY|SMALL|BIG)INT|INTEGER"
# How values of a type are compared, and what is added up, where that is not the value itself.
COMPARED = {
    **{"BOOLEAN": "{}::integer", "VARCHAR": '{} collate "C"'},
    **dict.fromkeys(("DOUBLE", "FLOAT"), "{}::double precision"),
}
ADDED = {"VARCHAR": "length({})", **dict.fromkeys(("DOUBLE", "FLOAT"), "abs({}::double precision)")}


def measures(column: Column, /) -> Iterator[tuple[str, str]]:
    """Yield the measures of a column: a name and its SQL."""
    chosen = name(column.name)
    compared = COMPARED.get(column.type, "{}").format(chosen)
    as_text = "" if column.type in ("DOUBLE", "FLOAT") else "::text"
    yield "count", f"count({chosen})::text"
    yield "min", f"min({compared}){as_text}"
    yield "max", f"max({compared}){as_text}"
    if column.type in COMPARED or re.fullmatch(NUMBERS, column.type):
        yield "sum", f"sum({ADDED.get(column.type, compared).format(chosen)}){as_text}"


def check_table(
    *, connection: duckdb.DuckDBPyConnection, server: Server, mart: Mart, table: str
) -> int:
    """Compare rows and columns of both sides; returns the number of checks. Raises PublishError."""
    found = [("number of rows", "count(*)::text")]
    for column in mart.columns:
        found += [(f"{word} of {column.name}", sql) for word, sql in measures(column)]
    # Arrow needs distinct column names
    asked = ", ".join(f"{sql} as c{number}" for number, (_, sql) in enumerate(found))
    (sent,) = connection.execute(f"select {asked} from {name(mart.name)}").fetchall()
    (arrived,) = server.query(f"select {asked} from {table}")
    for (what, _), ours, theirs in zip(found, sent, arrived, strict=True):
        is_close = isinstance(ours, float) and math.isclose(ours, theirs, rel_tol=CLOSE)
        # as text, because NaN does not equal itself
        if not is_close and str(ours) != str(theirs):
            raise PublishError(
                f"{mart.name} arrived in Postgres with another value: the {what} differs. "
                "Nothing was changed. Run again."
            )
    return len(found)
