"""Publishes the file that dbt built the marts into: checks it, and makes it the live build."""

import re
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
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
from python_helpers.publishing.writing import facts_of_file, said_why, write_build
from python_helpers.warehouse.build import MARTS_SCHEMA, Build

OPTION = "--publish-dir"  # chooses another folder


@dataclass(frozen=True, kw_only=True)
class Marts:
    """The marts of a build, in a file that nobody writes to any more."""

    file: Path
    rows: dict[str, int]
    facts: dict[str, str | None]
    """The settings they were made with, as a manifest has them."""
    file_facts: Future[dict[str, object]]
    """Size and checksum of the file."""
    engine_facts: Mapping[str, object] = field(default_factory=dict)
    """What the manifest says of another engine that made them."""


def close_marts(*, settings: Settings, build: Build) -> Marts:
    """Check the file that a build wrote its marts to, and let the warehouse show them.

    Its checksum is computed in a thread, while the audit asks about the marts. Raises PublishError.
    """
    check_warehouse(warehouse=settings.warehouse, build=build)
    file = settings.marts_file
    assert file, "a build that is published has a file of its own"
    with said_why(option=OPTION), duckdb.connect(str(file)) as connection:
        connection.execute("checkpoint")
        written = connection.execute(
            "select table_name from duckdb_tables() order by table_name"
        ).fetchall()
        if missing := {*build.marts} - {table for (table,) in written}:
            raise PublishError(
                f"The build did not write {', '.join(sorted(missing))} to the file that is "
                "published. A mart needs the +database that dbt_project.yml gives models/marts."
            )
        rows = {
            table: connection.execute(f"select count(*) from {name(table)}").fetchall()[0][0]
            for (table,) in written
        }
    # a log left behind would belong to no file that readers open
    if file.with_name(f"{file.name}.wal").exists():
        raise PublishError(f"DuckDB left a write-ahead log beside {file}.")
    with said_why(option=OPTION):
        facts = facts_of_settings(warehouse=settings.warehouse)
        show_marts(warehouse=settings.warehouse, file=file, marts=build.marts)
    reader = ThreadPoolExecutor(max_workers=1)
    file_facts = reader.submit(facts_of_file, file)
    reader.shutdown(wait=False)
    return Marts(file=file, rows=rows, facts=facts, file_facts=file_facts)


def check_warehouse(*, warehouse: Path, build: Build) -> None:
    """Refuse to publish what this build did not write."""
    if not build.marts:
        raise PublishError("The project has no marts yet, so there is nothing to publish.")
    if not warehouse.is_file() or warehouse.stat().st_mtime < int(build.started_at.timestamp()):
        raise PublishError(
            f"The build did not write to {warehouse}. profiles.yml must take its path from "
            "WAREHOUSE_PATH, as profiles.example.yml does."
        )


def facts_of_settings(*, warehouse: Path) -> dict[str, str | None]:
    """Return what a manifest says of the settings of the last build in a warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        ((catalog,),) = connection.execute("select current_database()").fetchall()
        ((as_of_date, currency, window),) = connection.execute(
            "select as_of_date::text, reporting_currency, activity_window_days::text "
            f"from {name(catalog)}.intermediate.int_run_settings"
        ).fetchall()
    return {
        "as_of_date": as_of_date,
        "reporting_currency": currency,
        "activity_window": window,
    }


def show_marts(*, warehouse: Path, file: Path, marts: Collection[str]) -> None:
    """Let a warehouse show the marts of a file, as views, in place of those it had before.

    Marts of another time beside the tables they were made from would mislead whoever queries them.
    """
    # the function takes its file as a pattern
    pattern = re.sub(r"([*?[])", r"[\1]", str(file))
    with duckdb.connect(str(warehouse)) as connection:
        # in full: in a warehouse called marts, `marts.x` has a second meaning
        ((catalog,),) = connection.execute("select current_database()").fetchall()
        schema = f"{name(catalog)}.{MARTS_SCHEMA}"
        shown = connection.execute(
            "select if(table_type = 'VIEW', 'view', 'table'), table_name "
            "from information_schema.tables where table_catalog = current_database() and "
            "table_schema = $schema and (list_contains($marts, table_name) or table_name in ("
            "select view_name from duckdb_views() where contains(sql, 'read_duckdb(')))",
            {"schema": MARTS_SCHEMA, "marts": [*marts]},
        ).fetchall()
        connection.execute(f"begin; create schema if not exists {schema}")
        for kind, mart in shown:
            connection.execute(f"drop {kind} {schema}.{name(mart)}")
        for mart in marts:
            connection.execute(
                f"create view {schema}.{name(mart)} as "
                f"from read_duckdb({text(pattern)}, table_name = {text(mart)})"
            )
        connection.execute("commit")


def publish(
    *,
    settings: Settings,
    build: Build,
    run: Run,
    marts: Marts,
    audit_facts: Mapping[str, object] | None = None,
    go_live: Callable[..., None] | None = None,
) -> Path:
    """Publish the file of a build, and what lies beside it; returns their folder.

    The build takes the id of its run, which records it. Raises PublishError, and then the previous
    build is still live.
    """

    def write(folder: Path) -> dict[str, Any]:
        return {
            "build_id": run.id,
            "built_at": stamp(build.started_at),
            **marts.facts,
            "rows": marts.rows,
            **marts.engine_facts,
            "raw_input": settings.raw_input,
            "raw_data_dir": settings.raw_data and str(settings.raw_data),
            **{name: getattr(settings, name) for name in READING},
            "input_files": run.facts.get("input_files"),
            "code_version": run.facts.get("code_version"),
            "nodes": build.nodes,
            "warnings": list(dict.fromkeys(run.log.first_warnings)),
            "audit": audit_facts,
            "versions": {
                "project": project_version(settings.project_dir),
                "dbt": version("dbt-core"),
                "duckdb": duckdb.__version__,
            },
            "files": {DATABASE: marts.file_facts.result()},
        }

    published = write_build(
        run=run,
        folder=marts.file.parent,
        write=write,
        outcome="published",
        keep=settings.keep_builds,
        option=OPTION,
        go_live=go_live,
    )
    if settings.on_spark:
        return published
    try:
        file = settings.publish_dir / DATABASE
        show_marts(warehouse=settings.warehouse, file=file, marts=build.marts)
    except (OSError, duckdb.Error) as error:
        # it is live all the same
        run.log.warn(f"The warehouse shows no marts until the next refresh: {error}")
    return published
