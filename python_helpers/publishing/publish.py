"""Copies the marts of a build to a folder of its own and makes it the live one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import date
from importlib.metadata import version
from pathlib import Path

import duckdb
import yaml

from python_helpers.core.disk import sha256
from python_helpers.core.errors import PublishError
from python_helpers.core.settings import PROJECT_FILE, Settings
from python_helpers.core.sql import name, text
from python_helpers.publishing.builds import (
    DATABASE,
    MANIFEST,
    check_links,
    finish_build,
    make_live,
    new_build_id,
    read_manifest,
    remove_leftovers,
    remove_old_builds,
    start_build,
)
from python_helpers.publishing.runs import Run, facts_of
from python_helpers.warehouse.build import MARTS_SCHEMA, Build
from python_helpers.warehouse.problems import cause_of

NEW_DATABASE = '"new database"'  # no warehouse file is called so
SPILL = "spill"  # what does not fit into memory while the marts are copied


def publish(
    *,
    settings: Settings,
    build: Build,
    run: Run | None = None,
    audit_page: Path | None = None,
    audit_facts: Mapping[str, object] | None = None,
) -> Path:
    """Publish the marts a build wrote, and the page of its audit; returns the folder they are in.

    The build takes the id of its run, which records it. Raises PublishError, and then the build
    published before is still the live one.
    """
    publish_dir = settings.publish_dir
    try:
        check_links(publish_dir=publish_dir)
        check_warehouse(warehouse=settings.warehouse, build=build)
        remove_leftovers(publish_dir=publish_dir)
        build_id = run.id if run else new_build_id(publish_dir=publish_dir, time=build.started_at)
        folder = start_build(publish_dir=publish_dir, build_id=build_id)
        if audit_page:
            shutil.copyfile(audit_page, folder / audit_page.name)
        write_files(
            folder=folder,
            build_id=build_id,
            settings=settings,
            build=build,
            run=run,
            audit_facts=audit_facts,
        )
        published = finish_build(folder=folder, build_id=build_id)
        with run.deciding if run else nullcontext():
            make_live(build=published, publish_dir=publish_dir)
            if run:
                record_published(run=run, published=published)
    except (OSError, duckdb.Error, PublishError) as error:
        with suppress(OSError):
            remove_leftovers(publish_dir=publish_dir)
        raise PublishError(cause_of(message=str(error))) from error
    # it is published: an old build that cannot be removed now is tried again next time
    with suppress(OSError):
        remove_old_builds(publish_dir=publish_dir, keep=settings.keep_builds)
    return published


def check_warehouse(*, warehouse: Path, build: Build) -> None:
    """Refuse to publish what this build did not write."""
    if not build.marts:
        raise PublishError("The project has no marts yet: there is nothing to publish.")
    if not warehouse.is_file() or warehouse.stat().st_mtime < int(build.started_at.timestamp()):
        raise PublishError(
            f"The build did not write to {warehouse}: profiles.yml must take its path from "
            "WAREHOUSE_PATH, as profiles.example.yml does."
        )


def record_published(*, run: Run, published: Path) -> None:
    """Record what is live now. The disk may be full, and it is live all the same."""
    with suppress(OSError):
        seconds = read_manifest(build=published)["seconds"]
        run.record(outcome="published", seconds=seconds, **facts_of(build=published))


def write_files(
    *,
    folder: Path,
    build_id: str,
    settings: Settings,
    build: Build,
    run: Run | None,
    audit_facts: Mapping[str, object] | None,
) -> None:
    """Write the database and the manifest of a build."""
    started = time.monotonic()
    with connect(settings=settings, folder=folder) as connection:
        as_of_date, reporting_currency = run_settings(connection=connection)
        rows = {mart: copy_mart(connection=connection, mart=mart) for mart in build.marts}
        connection.execute(f"checkpoint {NEW_DATABASE}")
    shutil.rmtree(folder / SPILL, ignore_errors=True)
    # a log left behind would belong to no file that readers open
    if (folder / f"{DATABASE}.wal").exists():
        raise PublishError(f"DuckDB left a write-ahead log beside {folder / DATABASE}.")
    manifest = {
        "build_id": build_id,
        "built_at": build.started_at.isoformat(timespec="seconds"),
        "as_of_date": as_of_date.isoformat(),
        "reporting_currency": reporting_currency,
        "raw_input": settings.raw_input,
        "raw_data_dir": settings.raw_data and str(settings.raw_data),
        "input_files": run.facts.get("input_files") if run else None,
        "code_version": run.facts.get("code_version") if run else None,
        "rows": rows,
        "files": {
            str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        "nodes": build.nodes,
        "audit": audit_facts,
        "seconds": (run.seconds if run else {})
        | {
            "build": round(build.seconds, 1),
            "publish": round(time.monotonic() - started, 1),
        },
        "versions": versions(project_dir=settings.project_dir),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def connect(*, settings: Settings, folder: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse to be read, and the new database beside it to be written.

    The warehouse is opened, not attached: its views name it as its file is called.
    """
    config = {"threads": settings.threads, "temp_directory": str(folder / SPILL)}
    if settings.memory_limit:
        config["memory_limit"] = settings.memory_limit
    connection = duckdb.connect(str(settings.warehouse), read_only=True, config=config)
    connection.execute(f"attach {text(folder / DATABASE)} as {NEW_DATABASE} (read_write)")
    return connection


def run_settings(*, connection: duckdb.DuckDBPyConnection) -> tuple[date, str]:
    """Read the as-of date and the reporting currency of the build."""
    table = in_warehouse(connection=connection, schema="intermediate", table="int_run_settings")
    return connection.execute(f"select as_of_date, reporting_currency from {table}").fetchone()


def in_warehouse(*, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """Name a table in full: `marts.x` has a second meaning in a warehouse that is called marts."""
    (warehouse,) = connection.execute("select current_database()").fetchone()
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
    # The database is called marts, so its tables are in its default schema: `marts.fct_orders` is
    # what a query says here as in the warehouse. With a schema marts in it DuckDB would not know
    # which of the two is meant, and refuse.
    target = f"{NEW_DATABASE}.{name(mart)}"
    rows = connection.execute(
        f"create table {target} as select {selected} from {source}"
    ).fetchone()[0]
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
    return rows


def versions(*, project_dir: Path) -> dict[str, str]:
    """Tell what built the files: the project, dbt and DuckDB."""
    project = yaml.safe_load((project_dir / PROJECT_FILE).read_text())
    return {
        "project": str(project.get("version")),
        "dbt": version("dbt-core"),
        "duckdb": duckdb.__version__,
    }
