"""Writes a DuckDB file anew without what it holds of some people.

Anew, because a value that is updated or deleted stays in the blocks of a DuckDB file until they are
written over; so do the tables that earlier builds replaced. The new file holds what a query of the
old one would show, and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

from python_helpers.core.disk import keep_owner, sync
from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import RAW_SCHEMAS, RawTable, contracted
from python_helpers.erase.catalog import (
    OLD,
    columns_of,
    generated_columns,
    id_columns,
    is_of_rejected_rows,
    nullable_columns,
    tables_of,
)
from python_helpers.erase.keys import give_text_ids, key_columns, parents_first, unique_columns
from python_helpers.erase.row_keys import erased_row_keys
from python_helpers.erase.values import (
    ERASED,
    canonical_id,
    expressions_of_base,
    expressions_of_raw,
    tombstone_or,
)

IN_THE_MAKING = ".erasing"
"""End of the name of the folder, beside a file, in which the new one is written."""


def erase_in_database(
    *,
    database: Path,
    to: Path,
    catalog: str,
    tombstones: Mapping[str, str],
    contract: list[RawTable],
    config: Mapping[str, object],
) -> None:
    """Write a database to a new file, with the tombstones in place of the ids.

    The catalog is the name under which its views know it. Until the new file is whole nobody else
    can open the old one to write; a write-ahead log beside it is worked into it first. Raises
    duckdb.Error and OSError.
    """
    with duckdb.connect(config=dict(config)) as connection:
        load_erased(connection=connection, tombstones=tombstones)
        attach_old(connection=connection, database=database)
        (tags,) = connection.execute(
            "select tags from duckdb_databases() where database_name = $old", {"old": OLD}
        ).fetchone()
        version = str(tags["storage_version"]).split("+")[0]
        connection.execute(
            f"attach {text(to)} as {name(catalog)} (storage_version {text(version)})"
        )
        connection.execute(f"copy from database {name(OLD)} to {name(catalog)} (schema)")
        tables = tables_of(connection=connection, catalog=OLD)
        give_text_ids(connection=connection, old=OLD, catalog=catalog, tables=numbered(connection))
        for schema, table in parents_first(connection=connection, catalog=OLD, tables=tables):
            copy_table(
                connection=connection,
                table=table,
                schema=schema,
                catalog=catalog,
                contract=contract,
            )
        connection.execute(f"checkpoint {name(catalog)}")
        connection.execute(f"detach {name(catalog)}")
    if to.with_name(f"{to.name}.wal").exists():
        raise PublishError(f"DuckDB left a write-ahead log beside {to}.")


def replace_warehouse(
    *,
    warehouse: Path,
    tombstones: Mapping[str, str],
    contract: list[RawTable],
    config: Mapping[str, object],
) -> None:
    """Put a new file in the place of a warehouse, in one step. Raises duckdb.Error and OSError.

    The caller holds the lock of the warehouse.
    """
    file = warehouse.resolve()
    folder = folder_in_the_making(warehouse=warehouse)
    remove_half_made(warehouse=warehouse)
    folder.mkdir()
    try:
        new = folder / file.name
        erase_in_database(
            database=file,
            to=new,
            catalog=warehouse.stem,
            tombstones=tombstones,
            contract=contract,
            config=dict(config) | {"temp_directory": str(folder / "spill")},
        )
        if file.with_name(f"{file.name}.wal").exists():
            # it would be worked into the new file, silently
            raise PublishError(f"Another program has written to {file} meanwhile.")
        keep_owner(of=file, to=new)
        shutil.copymode(file, new)
        sync(path=new)
        new.replace(file)
        sync(path=file.parent)
    finally:
        remove_half_made(warehouse=warehouse)


def folder_in_the_making(*, warehouse: Path) -> Path:
    """Name the folder beside a warehouse in which the new one is written."""
    file = warehouse.resolve()
    return file.with_name(f"{file.name}{IN_THE_MAKING}")


def remove_half_made(*, warehouse: Path) -> None:
    """Remove what an erasure that was killed left half done."""
    shutil.rmtree(folder_in_the_making(warehouse=warehouse), ignore_errors=True)


def load_erased(*, connection: duckdb.DuckDBPyConnection, tombstones: Mapping[str, str]) -> None:
    """Let the connection know who is erased."""
    connection.execute(f"create temp table {ERASED} (erased_id varchar, tombstone_id varchar)")
    connection.execute(
        f"insert into {ERASED} select unnest($ids), unnest($tombstones)",
        {"ids": list(tombstones), "tombstones": list(tombstones.values())},
    )


def attach_old(*, connection: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Attach a database: to write where it may be written, so that its log is worked in."""
    is_read_only = not database.stat().st_mode & 0o200
    access = " (read_only)" if is_read_only else ""
    connection.execute(f"attach {text(database)} as {name(OLD)}{access}")
    if not is_read_only:
        connection.execute(f"checkpoint {name(OLD)}")


def copy_table(
    *,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: str,
    catalog: str,
    contract: list[RawTable],
) -> None:
    """Copy the rows of a table, those of the erased without what says who they are."""
    new = f"{name(catalog)}.{name(schema)}.{name(table)}"
    written, query = rewritten_rows(
        connection=connection, schema=schema, table=table, contract=contract
    )
    connection.execute(f"insert into {new} ({', '.join(map(name, written))}) {query}")


def rewritten_rows(
    *, connection: duckdb.DuckDBPyConnection, schema: str, table: str, contract: list[RawTable]
) -> tuple[list[str], str]:
    """Return the columns of a table that are written, and a query of its rows as they become."""
    columns = columns_of(connection=connection, catalog=OLD, schema=schema, table=table)
    old = f"{name(OLD)}.{name(schema)}.{name(table)}"
    replaced = replacements(
        connection=connection, table=table, schema=schema, columns=columns, contract=contract
    )
    generated = generated_columns(connection=connection, catalog=OLD, schema=schema, table=table)
    written = [column for column in columns if column not in generated]
    selected = ", ".join(
        f"{replaced.get(column, f'old.{name(column)}')} as {name(column)}" for column in written
    )
    source = f"{old} as old"
    for column in id_columns(columns):
        on = canonical_id(f"old.{name(column)}", columns[column])
        source += f" left join {ERASED} as erased on {on} = erased.erased_id"
    if is_of_rejected_rows(table, columns):
        source += f" left join ({erased_row_keys(old, contract)}) as erased_keys"
        source += " using (table_name, row_key)"
    return written, f"select {selected} from {source}"


def replacements(
    *,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    schema: str,
    columns: Mapping[str, str],
    contract: list[RawTable],
) -> dict[str, str]:
    """Return the columns of a table that may say who somebody is: what to select instead."""
    if not id_columns(columns):
        is_of_keys = is_of_rejected_rows(table, columns)
        return {"row_key": "coalesce(erased_keys.new_key, old.row_key)"} if is_of_keys else {}
    of_raw = contracted(schema=schema, table=table, columns=columns, contract=contract)
    if of_raw and schema.lower() in RAW_SCHEMAS:
        place = {"connection": connection, "schema": schema, "table": table}
        return expressions_of_raw(
            of_raw,
            columns,
            nullable=nullable_columns(**place),
            unique=unique_columns(**place, catalog=OLD, columns=columns),
            keys=key_columns(**place, catalog=OLD),
        )
    if of_raw:
        return expressions_of_base(of_raw, columns)
    return {
        column: tombstone_or(f"old.{name(column)}", columns[column])
        for column in id_columns(columns)
    }


def numbered(connection: duckdb.DuckDBPyConnection, /) -> dict[tuple[str, str], str]:
    """Return the tables whose ids are no text, each with the column of the ids.

    A tombstone is no number: the column is text from now on.
    """
    found = {}
    for schema, table in tables_of(connection=connection, catalog=OLD):
        columns = columns_of(connection=connection, catalog=OLD, schema=schema, table=table)
        for column in id_columns(columns):
            if columns[column] != "VARCHAR":
                found[schema, table] = column
    return found
