"""Begins a new warehouse file, and puts it in the place of the old one.

A new file, because a deleted value stays in a DuckDB file until its block is written over. dbt
builds the schemas of the project in it; what others keep in the warehouse is carried over as it is.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb
import yaml

from python_helpers.core.disk import keep_owner, sync
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import PROJECT_FILE
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.warehouse.build import half_made, remove_half_made

OLD = "old database"  # no file of DuckDB is called so

CATALOG = {
    "tables": "schema_name, table_name, sql, comment",
    "columns": "schema_name, table_name, column_name, comment",
    "views": "schema_name, view_name, sql, comment",
    "indexes": "schema_name, index_name, sql, comment",
    "constraints": "schema_name, table_name, constraint_text",
    "sequences": "schema_name, sequence_name, sql, last_value, comment",
    "types": "schema_name, type_name, labels, comment",
    "functions": "schema_name, function_name, macro_definition",
}
"""What a database has beside its rows, as functions of DuckDB say it."""
INTERNAL = ("views", "types", "functions")  # of these DuckDB has its own in every database


def project_schemas(*, project_dir: Path) -> set[str]:
    """Return the schemas that dbt builds; everything else in a warehouse belongs to others."""

    def named(node: object) -> set[str]:
        if not isinstance(node, dict):
            return set()
        own = {str(node["+schema"])} if "+schema" in node else set()
        return own.union(*map(named, node.values()))

    return named(yaml.safe_load((project_dir / PROJECT_FILE).read_text(encoding="utf-8")))


def begin_warehouse(*, settings: Settings) -> Path:
    """Write what others keep in the warehouse to a new file beside it; returns its path.

    Nothing else is touched. Raises PublishError where DuckDB cannot copy something.
    """
    remove_half_made(warehouse=settings.warehouse)
    new = half_made(warehouse=settings.warehouse) / settings.warehouse.name
    new.parent.mkdir(mode=0o700)
    if settings.warehouse.is_file():
        ours = project_schemas(project_dir=settings.project_dir)
        with duckdb.connect() as connection:
            connection.execute(settings.limits(spill=new.parent / "spill"))
            carry_over(connection=connection, old=settings.warehouse, new=new, ours=ours)
    return new


def carry_over(
    *, connection: duckdb.DuckDBPyConnection, old: Path, new: Path, ours: Collection[str]
) -> None:
    """Copy the schemas that are not ours. Raises PublishError and duckdb.Error."""
    connection.execute(f"attach {text(old)} as {name(OLD)}")
    # a write-ahead log beside it belongs to it
    connection.execute(f"checkpoint {name(OLD)}")
    ((tags,),) = connection.execute(
        "select tags from duckdb_databases() where database_name = $old", {"old": OLD}
    ).fetchall()
    version = str(tags["storage_version"]).split("+")[0]
    catalog = new.stem  # views name it
    connection.execute(f"attach {text(new)} as {name(catalog)} (storage_version {text(version)})")
    connection.execute(f"copy from database {name(OLD)} to {name(catalog)} (schema)")
    for schema in sorted(ours):
        connection.execute(f"drop schema if exists {name(catalog)}.{name(schema)} cascade")
    waiting = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = $catalog "
        "order by all",
        {"catalog": catalog},
    ).fetchall()
    while waiting:
        problems = {}
        for table in waiting:
            try:
                copy_rows(connection=connection, table=".".join(map(name, table)), catalog=catalog)
            except duckdb.Error as error:
                # a row may refer to one of a table that comes later
                problems[table] = error
        if len(problems) == len(waiting):
            said = "; ".join(f"{'.'.join(table)} ({each})" for table, each in problems.items())
            raise PublishError(f"DuckDB cannot copy {said}")
        waiting = list(problems)
    lost = differences(connection=connection, catalog=catalog, ours=ours)
    if lost:
        raise PublishError(f"DuckDB does not copy {', '.join(lost)}")
    connection.execute(f"checkpoint {name(catalog)}")
    connection.execute(f"detach {name(catalog)}")


def copy_rows(*, connection: duckdb.DuckDBPyConnection, table: str, catalog: str) -> None:
    """Copy the rows of a table, but for columns that DuckDB works out. Raises duckdb.Error."""
    old, new = f"{name(OLD)}.{table}", f"{name(catalog)}.{table}"
    # of a table without rows no column is stored
    stored = connection.execute(
        f"select column_name from pragma_storage_info({text(old)}) group by all order by min("
        "column_id)"
    ).fetchall()
    columns = ", ".join(name(column) for (column,) in stored)
    if columns:
        connection.execute(f"insert into {new} ({columns}) select {columns} from {old}")


def differences(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, ours: Collection[str]
) -> list[str]:
    """Name what the new database lacks, or has in another form."""
    found = []
    for kind, columns in CATALOG.items():
        function = f"duckdb_{kind}()"
        old, new = (
            f"select {columns} from {function} where database_name = {text(database)} "
            f"and not {'internal' if kind in INTERNAL else 'false'} "
            "and not list_contains($ours, schema_name)"
            for database in (OLD, catalog)
        )
        rows = connection.execute(f"({old} except {new}) order by all", {"ours": [*ours]})
        found += [f"{kind}: {row}" for row in rows.fetchall()]
    return found


def not_built_again(*, settings: Settings, new: Path) -> list[str]:
    """Name the tables and views in schemas of the project that no model builds any more."""
    found: list[set[str]] = []
    for file in filter(Path.is_file, (new, settings.warehouse)):
        with duckdb.connect(str(file), read_only=True) as connection:
            tables = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where list_contains($ours, table_schema)",
                {"ours": [*project_schemas(project_dir=settings.project_dir)]},
            )
            found.append({table for (table,) in tables.fetchall()})
    return [f"{table}, removed: no model builds it" for table in sorted(found[-1] - found[0])]


def replace_warehouse(*, warehouse: Path, new: Path, seen: tuple[int, int] | None) -> None:
    """Put a new file in the place of a warehouse in one step. Raises PublishError and OSError."""
    file = warehouse.resolve()
    # a log beside it would be worked into the new file, silently
    if look_of(warehouse) != seen or file.with_name(f"{file.name}.wal").exists():
        raise PublishError(f"Another program has written to {file} meanwhile.")
    if file.exists():
        keep_owner(of=file, to=new)
        shutil.copymode(file, new)
    sync(path=new)
    new.replace(file)
    sync(path=file.parent)


def look_of(warehouse: Path, /) -> tuple[int, int] | None:
    """Return size and time of a warehouse; None where there is none."""
    if not warehouse.is_file():
        return None
    status = warehouse.stat()
    return status.st_size, status.st_mtime_ns
