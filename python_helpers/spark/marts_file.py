"""Copies the small marts of a build on Spark into the file that is published for BI tools."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from python_helpers.core.log import Log, some_of
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.publishing.publish import OPTION, Marts
from python_helpers.publishing.writing import SPILL, facts_of_file, said_why
from python_helpers.spark.publish import facts
from python_helpers.spark.session import said_by_spark
from python_helpers.warehouse.build import Build

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DUCKDB_OLDEST = "v1.0.0"
"""The format that every version of DuckDB can read."""


def copy_marts(*, settings: Settings, session: SparkSession, build: Build, log: Log) -> Marts:
    """Copy the marts with few enough rows, and name the others. Raises PublishError."""
    with said_by_spark():
        return copied(settings=settings, session=session, build=build, log=log)


def copied(*, settings: Settings, session: SparkSession, build: Build, log: Log) -> Marts:
    """Copy the marts; errors of Spark are its own."""
    rows = count_rows(session=session, build=build, schema=settings.marts_schema)
    left_out = {mart: count for mart, count in rows.items() if count > settings.file_rows}
    if left_out:
        named = [f"{mart} ({count:,} rows)" for mart, count in left_out.items()]
        log.say(f"In Spark alone, because they are large (--file-rows): {some_of(named)}.")
    file = settings.marts_file
    assert file, "a build that is published has a file of its own"
    spill = file.parent / SPILL
    with said_why(option=OPTION), duckdb.connect() as connection:
        spill.mkdir(exist_ok=True)
        connection.execute(settings.limits(spill=spill))
        connection.execute(
            f"attach {text(file)} as marts (storage_version {text(DUCKDB_OLDEST)}); use marts"
        )
        for mart in rows.keys() - left_out.keys():
            create_table(connection=connection, mart=mart, node=build.contracts[mart])
            table = f"{settings.marts_schema}.{mart}"
            copy_rows(session=session, table=table, connection=connection, mart=mart, folder=spill)
        connection.execute("checkpoint")
    with said_why(option=OPTION):
        known: Future[dict[str, object]] = Future()
        known.set_result(facts_of_file(file))
    return Marts(
        file=file,
        rows={mart: count for mart, count in rows.items() if mart not in left_out},
        facts=facts_of_settings(session=session),
        file_facts=known,
        engine_facts=facts(settings=settings, left_out=left_out),
    )


def count_rows(*, session: SparkSession, build: Build, schema: str | None) -> dict[str, int]:
    """Count the rows of every mart, in one query."""
    counts = [f"select {text(mart)}, count(*) from {schema}.{mart}" for mart in build.marts]
    return dict(sorted(map(tuple, session.sql(" union all ".join(counts)).collect())))


def facts_of_settings(*, session: SparkSession) -> dict[str, str | None]:
    """Return what a manifest says of the settings of the last build on Spark."""
    (row,) = session.sql(
        "select cast(as_of_date as string), reporting_currency, "
        "cast(activity_window_days as string) from intermediate.int_run_settings"
    ).collect()
    return dict(zip(("as_of_date", "reporting_currency", "activity_window"), row, strict=True))


def create_table(*, connection: duckdb.DuckDBPyConnection, mart: str, node: Any) -> None:
    """Create the empty table of a mart as its contract says, with its comments."""
    columns, comments = [], [f"comment on table {name(mart)} is {text(node.description)}"]
    for column in node.columns.values():
        is_never_null = any(str(each.type.value) == "not_null" for each in column.constraints)
        columns.append(
            f"{name(column.name)} {column.data_type}{' not null' if is_never_null else ''}"
        )
        comments.append(
            f"comment on column {name(mart)}.{name(column.name)} is {text(column.description)}"
        )
    connection.execute(f"create table {name(mart)} ({', '.join(columns)})")
    connection.execute("; ".join(comments))


def copy_rows(
    *,
    session: SparkSession,
    table: str,
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    folder: Path,
) -> None:
    """Copy the rows of a table. They go as texts, which lose no digit, through a file there."""
    frame = session.table(table)
    types = {column: "varchar" for column in frame.columns}
    texts = ", ".join(f"cast({column} as string) as {column}" for column in frame.columns)
    lines = frame.selectExpr(f"to_json(struct({texts}))")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json", dir=folder) as file:
        for (line,) in lines.toLocalIterator():
            file.write(line + "\n")
        file.flush()
        rows = connection.read_json(file.name, columns=types, format="newline_delimited")
        assert rows is not None
        connection.execute(f"insert into {name(mart)} by name from rows")
