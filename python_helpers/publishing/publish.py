"""Copies the marts of a build to a folder of its own and makes it the live one."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.disk import stamp
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import project_version
from python_helpers.core.settings import READING, Settings
from python_helpers.core.sql import name, text
from python_helpers.publishing.builds import DATABASE
from python_helpers.publishing.runs import Run
from python_helpers.publishing.writing import SPILL, write_build
from python_helpers.warehouse.build import MARTS_SCHEMA, Build

NEW_DATABASE = '"new database"'  # no warehouse file has this name


def publish(
    *,
    settings: Settings,
    build: Build,
    run: Run,
    audit_facts: Mapping[str, object] | None = None,
) -> Path:
    """Publish the marts that a build wrote; returns their folder.

    The build takes the id of its run, which records it. Raises PublishError, and then the previous
    build is still live.
    """
    check_warehouse(warehouse=settings.warehouse, build=build)

    def write(folder: Path) -> dict[str, Any]:
        with connect(settings=settings, folder=folder) as connection:
            run_settings = in_warehouse(
                connection=connection, schema="intermediate", table="int_run_settings"
            )
            ((as_of_date, reporting_currency, activity_window),) = connection.execute(
                "select as_of_date::text, reporting_currency, activity_window_days::text "
                f"from {run_settings}"
            ).fetchall()
            rows = {mart: copy_mart(connection=connection, mart=mart) for mart in build.marts}
            connection.execute(f"checkpoint {NEW_DATABASE}")
        # a log left behind would belong to no file that readers open
        if (folder / f"{DATABASE}.wal").exists():
            raise PublishError(f"DuckDB left a write-ahead log beside {folder / DATABASE}.")
        return {
            "build_id": run.id,
            "built_at": stamp(build.started_at),
            "as_of_date": as_of_date,
            "reporting_currency": reporting_currency,
            "activity_window": activity_window,
            "rows": rows,
            "raw_input": settings.raw_input,
            "raw_data_dir": settings.raw_data and str(settings.raw_data),
            **{name: getattr(settings, name) for name in READING},
            "input_files": run.facts.get("input_files"),
            "code_version": run.facts.get("code_version"),
            "nodes": build.nodes,
            "audit": audit_facts,
            "versions": {
                "project": project_version(settings.project_dir),
                "dbt": version("dbt-core"),
                "duckdb": duckdb.__version__,
            },
        }

    return write_build(
        run=run,
        write=write,
        outcome="published",
        keep=settings.keep_builds,
        option="--publish-dir",
    )


def check_warehouse(*, warehouse: Path, build: Build) -> None:
    """Refuse to publish what this build did not write."""
    if not build.marts:
        raise PublishError("The project has no marts yet, so there is nothing to publish.")
    if not warehouse.is_file() or warehouse.stat().st_mtime < int(build.started_at.timestamp()):
        raise PublishError(
            f"The build did not write to {warehouse}. profiles.yml must take its path from "
            "WAREHOUSE_PATH, as profiles.example.yml does."
        )


def connect(*, settings: Settings, folder: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse read-only, with the new database attached to be written.

    The warehouse is opened, not attached: its views contain the name of its file.
    """
    connection = duckdb.connect(str(settings.warehouse), read_only=True)
    connection.execute(settings.limits(spill=folder / SPILL))
    connection.execute(f"attach {text(folder / DATABASE)} as {NEW_DATABASE} (read_write)")
    return connection


def in_warehouse(*, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """Name a table in full: in a warehouse called marts, `marts.x` has a second meaning."""
    ((warehouse,),) = connection.execute("select current_database()").fetchall()
    return ".".join(map(name, (warehouse, schema, table)))


def copy_mart(
    *,
    connection: duckdb.DuckDBPyConnection,
    mart: str,
    schema: str = MARTS_SCHEMA,
    selected: str = "*",
) -> int:
    """Copy one mart, with its comments, to the new database; returns its rows."""
    source = in_warehouse(connection=connection, schema=schema, table=mart)
    # The tables are in the default schema of a database called marts, so that `marts.fct_orders`
    # works as it does in the warehouse. With a schema marts, DuckDB would call it ambiguous.
    target = f"{NEW_DATABASE}.{name(mart)}"
    sql = f"create table {target} as select {selected} from {source}"
    ((rows,),) = connection.execute(sql).fetchall()
    for column, comment in connection.execute(
        """
        select null, comment from duckdb_tables()
        where database_name = current_database() and schema_name = $schema and table_name = $mart
        union all
        select null, comment from duckdb_views()
        where database_name = current_database() and schema_name = $schema and view_name = $mart
        union all
        select column_name, comment from duckdb_columns()
        where database_name = current_database() and schema_name = $schema and table_name = $mart
        """,
        {"schema": schema, "mart": mart},
    ).fetchall():
        if comment:
            what = f"column {target}.{name(column)}" if column else f"table {target}"
            connection.execute(f"comment on {what} is {text(comment)}")
    return int(rows)
