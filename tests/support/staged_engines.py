"""One delivery, staged on DuckDB and on Spark by the project's macros, without dbt."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from lifecycle import PROJECT
from spark_macros import SparkMacros

from python_helpers.delivery.rendering import Macros
from python_helpers.delivery.standins import CompilerError
from python_helpers.warehouse.problems import raw_data_problem

SCHEMAS = ("staging", "restricted", "intermediate", "reference")
TABLES = ("orders", "subscriptions")
Rows = dict[str, list[dict[str, str]]]


def start_spark(folder: Path, /) -> Any:
    """Start a small Spark whose tables are in a folder, set up as the project's profile does."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": (
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
        ),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        "spark.sql.warehouse.dir": str(folder),
        # tables of a few rows: no time for plans and code that pay off with millions
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
    }
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def staged_on_duckdb(
    *, settings: Mapping[str, object], tables: Sequence[str], before: str = ""
) -> Rows | str:
    """Stage a delivery on DuckDB; returns the rows of the base tables, or why nothing is staged."""
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; set preserve_insertion_order = false; {before}")
        macros = Macros(connection=connection, project_dir=PROJECT, settings=settings)

        def rows_of(relation: object) -> list[dict[str, Any]]:
            found = connection.execute(f"from {relation}")
            names = [each[0] for each in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        return staged(macros, tables=tables, rows_of=rows_of)


def staged_on_spark(
    spark: Any, /, *, settings: Mapping[str, object], tables: Sequence[str]
) -> Rows | str:
    """Stage a delivery on Spark; returns the rows of the base tables, or why nothing is staged."""
    folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
    for schema in SCHEMAS:
        spark.sql(f"drop schema if exists {schema} cascade")
        shutil.rmtree(folder / f"{schema}.db", ignore_errors=True)
    macros = SparkMacros(spark=spark, settings=settings)

    def rows_of(relation: object) -> list[dict[str, Any]]:
        return [row.asDict() for row in spark.sql(f"select * from {relation}").collect()]

    return staged(macros, tables=tables, rows_of=rows_of)


def staged(
    macros: Macros, /, *, tables: Sequence[str], rows_of: Callable[[object], list[dict[str, Any]]]
) -> Rows | str:
    """Make the base tables; returns their rows as texts, or what a person would read."""
    try:
        found = {table: rows_of(macros.ref(f"base_{table}")) for table in tables}
    except CompilerError as error:
        return str(error).removeprefix("Raw data: ")
    except duckdb.Error as error:
        folder = Path(str(macros.settings.get("raw_data_dir", "")))
        return (
            raw_data_problem(message=str(error), folder=folder, tables=[*macros.sources])
            or str(error).splitlines()[0]
        )
    return {
        table: sorted(({k: text(v) for k, v in row.items()} for row in rows), key=str)
        for table, rows in found.items()
    }


def text(value: object, /) -> str:
    """Write a value as both engines would; numbers of JSON have no width."""
    if isinstance(value, str) and value.startswith("{"):
        given = json.loads(value, parse_int=float)
        words = {key: f"{v:.6g}" if isinstance(v, float) else v for key, v in given.items()}
        return str(words).replace("Infinity", "inf")
    return str(value)


def differences(one: Rows | str, other: Rows | str, /) -> list[object]:
    """List the values that differ, row by row, else the rows or the messages."""
    if isinstance(one, str) or isinstance(other, str):
        return [] if one == other else [one, other]
    found: list[object] = []
    for table, rows in one.items():
        if len(rows) != len(other[table]):
            found.append((table, len(rows), len(other[table])))
        for row, twin in zip(rows, other[table], strict=False):
            found += [
                (table, name, row[name], twin[name]) for name in row if row[name] != twin[name]
            ]
    return found
