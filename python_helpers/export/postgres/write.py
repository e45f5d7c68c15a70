"""Replaces the marts in a schema of a Postgres database, in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.sql import name, text
from python_helpers.export.places import Place
from python_helpers.export.postgres.checks import check_table
from python_helpers.export.postgres.grants import (
    copied_grants,
    lost_with,
    refuse_what_would_be_lost,
)
from python_helpers.export.postgres.locks import lock_schema, lock_tables
from python_helpers.export.postgres.server import Address, Server, connected
from python_helpers.export.types import postgres_type
from python_helpers.publishing.reader import Mart, Source

RECORD = "export_manifest"
RECORD_COMMENT = "The marts that `lifecycle export` wrote to this schema: a row each."
NEW = "__new"
LONGEST_NAME = 63  # bytes; Postgres cuts longer ones


def checked_schema(*, schema: str) -> str:
    """Check that queries need not quote the name of a schema. Raises SettingsError."""
    is_name = re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema)
    if not is_name or schema.startswith("pg_") or schema == "information_schema":
        raise SettingsError(
            f"Invalid schema {schema!r}. Use at most 63 lower-case letters, digits and _, and no "
            "name that Postgres reserves (pg_...)."
        )
    return schema


def write_to_postgres(
    *,
    source: Source,
    marts: Collection[Mart],
    address: Address,
    schema: str,
    facts: Mapping[str, object],
    note: Callable[[Place, bool], None] = lambda place, is_done: None,
    wait: float = 0,
) -> dict[str, object]:
    """Write marts, check them there, and let them replace the previous ones in one step.

    `note` is called before and after the commit. Returns what the manifest says about the export.
    Raises PublishError, and then nothing is changed.
    """
    with connected(address=address) as server:
        prepare(server=server, schema=schema, wait=wait)
        old = exported_before(server=server, schema=schema)
        refuse_other_tables(
            server=server, schema=schema, old=old, new=[RECORD, *(mart.name for mart in marts)]
        )
        refuse_what_would_be_lost(server=server, schema=schema, tables=old)
        checks = {
            mart.name: write_table(source=source, server=server, schema=schema, mart=mart)
            for mart in marts
        }
        write_record(server=server, schema=schema, marts=marts, facts=facts)
        new = [RECORD, *checks]
        # rights are copied before the tables are locked, so that nobody waits for it
        grants = copied_grants(
            server=server, schema=schema, tables=[t for t in old if t in new], new=NEW
        )
        for grant in grants:
            server.execute(grant)
        lost = swap(server=server, schema=schema, old=old, new=new)
        (database, version), *_ = server.query(
            "select current_database()::text, current_setting('server_version')"
        )
        place = Place(schema=schema, database=database, server=address.described())
        note(place, False)
        server.commit()
        note(place, True)
    return {
        **asdict(place),
        "server_version": version,
        "checks": checks,
        "dropped": [table for table in old if table not in new],
        "not_kept": lost,
    }


def prepare(*, server: Server, schema: str, wait: float = 0) -> None:
    """Set what others may have changed, lock the schema, and create it if it is missing."""
    for setting in (
        *("client_encoding = 'UTF8'", "standard_conforming_strings = on", "datestyle = 'ISO'"),
        *("statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "lock_timeout = 0"),
        *("extra_float_digits = 3", "search_path = pg_catalog"),
    ):
        server.execute(f"set local {setting}")
    lock_schema(server=server, schema=schema, wait=wait)
    if not server.query(f"select 1 from pg_namespace where nspname = {text(schema)}"):
        server.execute(f"create schema {name(schema)}")


def tables_in(*, server: Server, schema: str) -> dict[str, str | None]:
    """List the tables, views and so on of a schema, with their comments."""
    return dict(
        server.query(
            "select relname::text, obj_description(oid, 'pg_class') from pg_class "
            f"where relnamespace = {text(schema)}::regnamespace"
        )
    )


def exported_before(*, server: Server, schema: str) -> list[str]:
    """List the tables of the previous export, its record first."""
    there = tables_in(server=server, schema=schema)
    if there.get(RECORD) != RECORD_COMMENT:
        return []
    marts = server.query(f"select mart from {name(schema)}.{RECORD} order by mart")
    return [RECORD, *(mart for (mart,) in marts if mart in there)]


def refuse_other_tables(
    *, server: Server, schema: str, old: Iterable[str], new: Iterable[str]
) -> None:
    """Refuse to replace a table that no export made. Raises PublishError."""
    there = tables_in(server=server, schema=schema)
    in_the_way = {each for table in new for each in (table, f"{table}{NEW}")} & there.keys()
    others = sorted(in_the_way - set(old))
    if others:
        raise PublishError(
            f"{schema}.{others[0]} in the database was not made by an export. "
            "Choose another schema with --schema."
        )


def write_table(*, source: Source, server: Server, schema: str, mart: Mart) -> int:
    """Write one mart to a table beside the old one; returns the number of checks it passed."""
    if len(f"{mart.name}{NEW}".encode()) > LONGEST_NAME:
        raise PublishError(f"The name {mart.name} is too long for Postgres.")
    types = {
        column.name: postgres_type(mart=mart, data_type=column.type) for column in mart.columns
    }
    table = f"{name(schema)}.{name(mart.name + NEW)}"
    columns = ", ".join(f"{name(column)} {data_type}" for column, data_type in types.items())
    server.execute(f"create table {table} ({columns})")
    if mart.description:
        server.execute(f"comment on table {table} is {text(mart.description)}")
    for column in mart.columns:
        if column.description:
            target = f"{table}.{name(column.name)}"
            server.execute(f"comment on column {target} is {text(column.description)}")
    server.send(
        source.connection.sql(f"from {name(mart.name)}"), schema=schema, table=f"{mart.name}{NEW}"
    )
    checks = check_table(connection=source.connection, server=server, mart=mart, table=table)
    server.execute(f"analyze {table}")
    return checks


def write_record(
    *, server: Server, schema: str, marts: Iterable[Mart], facts: Mapping[str, object]
) -> None:
    """Write the table that lists the marts, their build, and the time of the export."""
    table = f"{name(schema)}.{name(RECORD + NEW)}"
    types = {
        **{"mart": "text", "rows": "bigint", "build_id": "text", "built_at": "timestamptz"},
        **{"as_of_date": "date", "reporting_currency": "text", "exported_at": "timestamptz"},
    }
    columns = ", ".join(f"{column} {data_type}" for column, data_type in types.items())
    server.execute(f"create table {table} ({columns})")
    server.execute(f"comment on table {table} is {text(RECORD_COMMENT)}")
    for mart in marts:
        values = {"mart": mart.name, "rows": mart.rows, **facts}
        row = ", ".join("null" if values[c] is None else text(values[c]) for c in types)
        server.execute(f"insert into {table} values ({row})")


def swap(*, server: Server, schema: str, old: list[str], new: list[str]) -> list[str]:
    """Give the new tables the names of the old ones; marts not exported again are dropped.

    Returns the objects of others that are dropped with the old tables.
    """
    lost = []
    if old:
        tables = ", ".join(f"{name(schema)}.{name(table)}" for table in old)
        lock_tables(server=server, tables=tables)
        # once more: others may have built on them meanwhile, and now they wait
        refuse_what_would_be_lost(server=server, schema=schema, tables=old)
        lost = lost_with(server=server, schema=schema, tables=old)
        # never cascade: what depends on them belongs to others
        server.execute(f"drop table {tables}")
    for table in new:
        server.execute(f"alter table {name(schema)}.{name(table + NEW)} rename to {name(table)}")
    return lost
