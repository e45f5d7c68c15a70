"""Checks that a table in Postgres holds what DuckDB sent."""

import math
from collections.abc import Iterator

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name
from python_helpers.export.postgres.server import Server
from python_helpers.export.types import is_number
from python_helpers.publishing.reader import Column, Mart

CLOSE = 1e-9  # of the size of a sum: the order of floating-point additions matters


def measures(column: Column, /) -> Iterator[tuple[str, str, str]]:
    """Yield the measures of a column: a name, its SQL in DuckDB, its SQL in Postgres."""
    chosen = name(column.name)
    yield "filled", f"count({chosen})::varchar", f"count({chosen})::text"
    if is_number(column.type):
        yield "sum", f"sum({chosen})::varchar", f"sum({chosen})::text"
    elif column.type == "BOOLEAN":
        true = f"count(*) filter (where {chosen})"
        yield "true", f"{true}::varchar", f"{true}::text"
    elif column.type in ("DOUBLE", "FLOAT"):
        for word in ("min", "max", "sum"):
            value = f"{word}({chosen})"
            yield word, f"{value}::double", f"{value}::double precision"
        size = f"sum(abs({chosen}))"
        yield "size", f"{size}::double", f"{size}::double precision"
    elif column.type == "VARCHAR":
        length = f"sum(strlen({chosen}))::varchar"
        yield "bytes", length, f"sum(octet_length({chosen}))::text"
        for word in ("min", "max"):
            yield word, f"{word}({chosen})", f'{word}({chosen} collate "C")'
    else:
        for word in ("min", "max"):
            yield word, f"{word}({chosen})::varchar", f"{word}({chosen})::text"


def check_table(
    *, connection: duckdb.DuckDBPyConnection, server: Server, mart: Mart, table: str
) -> int:
    """Compare rows and columns of both sides; returns the number of checks. Raises PublishError."""
    found = [("rows", "count(*)::varchar", "count(*)::text")]
    found += [
        (f"{word} of {column.name}", ours, theirs)
        for column in mart.columns
        for word, ours, theirs in measures(column)
    ]
    ours = ", ".join(ours for _, ours, _ in found)
    # Arrow needs distinct column names
    theirs = ", ".join(f"{theirs} as c{number}" for number, (*_, theirs) in enumerate(found))
    (here,) = connection.execute(f"select {ours} from {name(mart.name)}").fetchall()
    (there,) = server.query(f"select {theirs} from {table}")
    sizes = {
        word.removeprefix("size of "): abs(value)
        for (word, *_), value in zip(found, here, strict=True)
        if word.startswith("size of ") and value is not None
    }
    for (word, *_), sent, arrived in zip(found, here, there, strict=True):
        size = sizes.get(word.partition(" of ")[2], 0) if word[:4] in ("sum ", "size") else 0
        if not same(sent, arrived, size=size):
            raise PublishError(
                f"{mart.name} arrived in Postgres with another value: the {word} differs. "
                "Nothing was changed. Run again."
            )
    return len(found)


def same(sent: object, arrived: object, /, *, size: float) -> bool:
    """Tell whether two measures agree; floating-point sums only within their precision."""
    if not isinstance(sent, float) or not isinstance(arrived, float):
        return sent == arrived
    if not (math.isfinite(sent) and math.isfinite(arrived)):
        return sent == arrived or (math.isnan(sent) and math.isnan(arrived))
    return abs(sent - arrived) <= CLOSE * size
