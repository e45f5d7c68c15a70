"""Replaces the marts in a schema of a Postgres database, in one transaction."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.sql import name, text
from python_helpers.export.places import Place
from python_helpers.export.postgres.checks import check_table
from python_helpers.export.postgres.grants import copy_grants, dropped_with
from python_helpers.export.postgres.locks import lock_schema, lock_tables
from python_helpers.export.postgres.server import Address, Schema, connected
from python_helpers.publishing.reader import Mart, Source

RECORD = "export_manifest"
RECORD_COMMENT = "The marts that `lifecycle export` wrote to this schema: a row each."
RECORD_TYPES = {
    **{"mart": "text", "rows": "bigint", "build_id": "text", "built_at": "timestamptz"},
    **{"as_of_date": "date", "reporting_currency": "text", "exported_at": "timestamptz"},
}
NEW = "__new"
# Types that Postgres knows by the same name, and its names for others.
SAME = r"DECIMAL\(.*\)|SMALLINT|INTEGER|BIGINT|BOOLEAN|DATE|TIMESTAMP( WITH TIME ZONE)?"
RENAMED = {"TINYINT": "smallint", "FLOAT": "real", "DOUBLE": "double precision", "VARCHAR": "text"}


def check_schema(*, schema: str) -> None:
    """Check that queries need not quote the name of a schema. Raises SettingsError."""
    is_name = re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema)
    if not is_name or schema.startswith("pg_") or schema == "information_schema":
        raise SettingsError(
            f"Invalid schema {schema!r}. Use at most 63 lower-case letters, digits and _, and no "
            "name that Postgres reserves (pg_...)."
        )


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
        target = Schema(server=server, name=schema)
        prepare(schema=target, wait=wait)
        old = exported_before(schema=target, marts=marts)
        dropped_with(schema=target, tables=old)
        checks = {mart.name: write_table(source=source, schema=target, mart=mart) for mart in marts}
        write_record(schema=target, marts=marts, facts=facts)
        new = [RECORD, *checks]
        # rights are copied before the tables are locked, so that nobody waits for it
        kept = [table for table in old if table in new]
        copy_grants(schema=target, tables=kept, new=NEW)
        lost = swap(schema=target, old=old, new=new)
        ((database,),) = server.query("select current_database()::text")
        place = Place(schema=schema, database=database, server=address.described())
        note(place, False)
        server.commit()
        note(place, True)
    return {
        **asdict(place),
        "checks": checks,
        "dropped": [table for table in old if table not in new],
        "not_kept": lost,
    }


def prepare(*, schema: Schema, wait: float = 0) -> None:
    """Set what others may have changed, lock the schema, and create it if it is missing."""
    for setting in (
        *("client_encoding = 'UTF8'", "standard_conforming_strings = on", "datestyle = 'ISO'"),
        *("statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "lock_timeout = 0"),
        *("extra_float_digits = 3", "search_path = pg_catalog"),
    ):
        schema.server.execute(f"set local {setting}")
    lock_schema(schema=schema, wait=wait)
    if not schema.query("select 1 from pg_namespace where nspname = {schema}"):
        schema.server.execute(f"create schema {name(schema.name)}")


def exported_before(*, schema: Schema, marts: Iterable[Mart]) -> list[str]:
    """List the tables of the previous export, its record first.

    Raises PublishError where a table of others has the name of a new one.
    """
    there = dict(
        schema.query(
            "select relname::text, obj_description(oid, 'pg_class') from pg_class "
            "where relnamespace = {schema}::regnamespace"
        )
    )
    old = []
    if there.get(RECORD) == RECORD_COMMENT:
        listed = schema.server.query(f"select mart from {schema.table(RECORD)} order by mart")
        old = [RECORD, *(mart for (mart,) in listed if mart in there)]
    for table in (RECORD, *(mart.name for mart in marts)):
        for taken in there.keys() & {table, f"{table}{NEW}"} - {*old}:
            raise PublishError(
                f"{schema.name}.{taken} in the database was not made by an export. "
                "Choose another schema with --schema."
            )
    return old


def write_table(*, source: Source, schema: Schema, mart: Mart) -> int:
    """Write one mart to a table beside the old one; returns the number of checks it passed."""
    types = {column.name: RENAMED.get(column.type, column.type) for column in mart.columns}
    for data_type in types.values():
        if data_type not in RENAMED.values() and not re.fullmatch(SAME, data_type):
            raise PublishError(
                f"{mart.name} has a column of type {data_type}, which Postgres does not have. "
                "Leave it out with --exclude."
            )
    table = create_table(schema=schema, table=mart.name, types=types, comment=mart.description)
    for column in mart.columns:
        target = f"{table}.{name(column.name)}"
        schema.server.execute(f"comment on column {target} is {text(column.description or '')}")
    rows = source.connection.sql(f"from {name(mart.name)}")
    schema.server.send(rows, schema=schema.name, table=f"{mart.name}{NEW}")
    checks = check_table(connection=source.connection, server=schema.server, mart=mart, table=table)
    schema.server.execute(f"analyze {table}")
    return checks


def create_table(
    *, schema: Schema, table: str, types: Mapping[str, str], comment: str | None
) -> str:
    """Create an empty table beside the old one; returns its name."""
    created = schema.table(table + NEW)
    columns = ", ".join(f"{name(column)} {data_type}" for column, data_type in types.items())
    schema.server.execute(f"create table {created} ({columns})")
    schema.server.execute(f"comment on table {created} is {text(comment or '')}")
    return created


def write_record(*, schema: Schema, marts: Iterable[Mart], facts: Mapping[str, object]) -> None:
    """Write the table that lists the marts, their build, and the time of the export."""
    table = create_table(schema=schema, table=RECORD, types=RECORD_TYPES, comment=RECORD_COMMENT)
    for mart in marts:
        values = {"mart": mart.name, "rows": mart.rows, **facts}
        row = ", ".join("null" if values[c] is None else text(values[c]) for c in RECORD_TYPES)
        schema.server.execute(f"insert into {table} values ({row})")


def swap(*, schema: Schema, old: list[str], new: list[str]) -> list[str]:
    """Give the new tables the names of the old ones; marts not exported again are dropped.

    Returns the objects of others that are dropped with the old tables.
    """
    lost = []
    if old:
        tables = ", ".join(map(schema.table, old))
        lock_tables(server=schema.server, tables=tables)
        # once more: others may have built on them meanwhile, and now they wait
        lost = dropped_with(schema=schema, tables=old)
        # never cascade: the server refuses and names what others built on the tables
        schema.server.execute(f"drop table {tables}")
    for table in new:
        schema.server.execute(f"alter table {schema.table(table + NEW)} rename to {name(table)}")
    return lost
