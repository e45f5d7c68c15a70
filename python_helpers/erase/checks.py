"""Says what in a warehouse cannot be written anew, before anything is touched.

A key, an index or a rule on a table of raw data may not allow what is written for the erased. Their
rows, as they would become, are written to memory first, and every rule is tried on them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import RAW_SCHEMAS, RawTable
from python_helpers.delivery.erasures import TOMBSTONE
from python_helpers.erase.catalog import (
    OLD,
    columns_of,
    foreign_keys,
    generated_columns,
    id_columns,
    indexes_of,
    rules_of,
    tables_of,
)
from python_helpers.erase.database import load_erased, replacements, rewritten_rows
from python_helpers.erase.values import CUSTOMER_ID, ERASED, canonical_id

RULES = ("PRIMARY KEY", "UNIQUE", "CHECK")


def check_tables(*, database: Path, ids: Collection[str], contract: list[RawTable]) -> None:
    """Refuse tables and views that stay as they are. Raises PublishError and duckdb.Error."""
    with duckdb.connect() as connection:
        tombstones = {id_: f"{TOMBSTONE}{number}" for number, id_ in enumerate(ids)}
        load_erased(connection=connection, tombstones=tombstones)
        connection.execute(f"attach {text(database)} as {name(OLD)} (read_only)")
        found = [*kept_keys(connection=connection, contract=contract)]
        for schema, table in tables_of(connection=connection, catalog=OLD):
            found += [
                f"{schema}.{table}: {each}"
                for each in kept_rules(
                    connection=connection, schema=schema, table=table, contract=contract
                )
            ]
    for schema, view, rows, tables in raw_views(database=database, ids=ids):
        if rows and tables and not any(id_columns(columns) for columns in tables.values()):
            found.append(
                f"{schema}.{view}: the people are in {' and '.join(tables)}, without a column "
                f"{CUSTOMER_ID}"
            )
    if found:
        raise PublishError(
            f"Nothing was touched, because this would stay as it is: {'; '.join(found)}. Make the "
            "table anew without that (create or replace table ... as ...), then run the same "
            "command again."
        )


def kept_keys(*, connection: duckdb.DuckDBPyConnection, contract: list[RawTable]) -> Iterator[str]:
    """Say which foreign keys would lead nowhere."""
    for child, columns, parent, parent_columns in foreign_keys(connection=connection, catalog=OLD):
        said = f"{child[0]}.{child[1]}: its foreign key ({', '.join(columns)})"
        if child == parent:
            yield f"{said} leads to the table itself"
            continue
        changed = [
            {
                column.lower()
                for column in changed_columns(connection=connection, table=table, contract=contract)
            }
            for table in (child, parent)
        ]
        for column, parent_column in zip(columns, parent_columns, strict=True):
            pair = (column.lower(), parent_column.lower())
            is_changed = pair[0] in changed[0] or pair[1] in changed[1]
            if is_changed and pair != (CUSTOMER_ID, CUSTOMER_ID):
                where = f"{'.'.join(parent)} ({parent_column})"
                yield f"{said} leads to {where}, and only one of them is erased"


def changed_columns(
    *, connection: duckdb.DuckDBPyConnection, table: tuple[str, str], contract: list[RawTable]
) -> Collection[str]:
    """Return the columns of a table in which something is replaced."""
    place = {"connection": connection, "schema": table[0], "table": table[1]}
    columns = columns_of(**place, catalog=OLD)
    try:
        return replacements(**place, columns=columns, contract=contract)
    except PublishError:
        return ()  # told of by itself


def kept_rules(
    *, connection: duckdb.DuckDBPyConnection, schema: str, table: str, contract: list[RawTable]
) -> Iterator[str]:
    """Say which rules of a table do not allow what is written for the erased."""
    place = {"connection": connection, "schema": schema, "table": table}
    ids = id_columns(columns_of(**place, catalog=OLD))
    if not ids:
        return
    generated = generated_columns(**place, catalog=OLD)
    if ids[0] in generated:
        yield f"{ids[0]} is worked out from other columns"
        return
    try:
        _, query = rewritten_rows(**place, contract=contract)
    except PublishError as error:
        yield str(error)
        return
    rules = [rule for rule in rules_of(**place, catalog=OLD) if rule[0] in RULES]
    indexes = indexes_of(**place, catalog=OLD)
    if not (rules or indexes or generated):
        return
    # in the main database of the connection: that is where the SQL of an index finds it
    tried = f"{name(schema)}.{name(table)}"
    connection.execute(f"create schema if not exists {name(schema)}")
    connection.execute(
        f"create table {tried} as select * from ({query}) "
        f"where {name(ids[0])} in (select tombstone_id from {ERASED})"
    )
    tries = [
        (f"column {column}", f"alter table {tried} add column {name(column)} varchar")
        for column in generated
    ]
    tries += [
        (f"column {column}", f"update {tried} set {name(column)} = {expression}")
        for column, expression in generated.items()
    ]
    for kind, rule, columns in rules:
        of_columns = ", ".join(map(name, columns))
        tries.append(
            (rule, f"select 1 from {tried} where not {rule.removeprefix('CHECK')}")
            if kind == "CHECK"
            else (rule, f"create unique index {name(rule)} on {tried} ({of_columns})")
        )
    tries += [(f"index {index}", sql) for index, _, sql, _ in indexes]
    for what, sql in tries:
        try:
            if connection.execute(sql).fetchone() and sql.startswith("select"):
                yield f"{what} forbids what is written for the erased"
        except duckdb.Error:
            yield f"{what} forbids what is written for the erased"
    connection.execute(f"drop table {tried}")


def rows_of_files(*, database: Path, ids: Collection[str]) -> dict[str, int]:
    """Count the rows of people that views show of files, which are not ours to change."""
    return {
        f"{schema}.{view}": rows
        for schema, view, rows, tables in raw_views(database=database, ids=ids)
        if rows and not tables
    }


def raw_views(
    *, database: Path, ids: Collection[str]
) -> list[tuple[str, str, int, dict[str, dict[str, str]]]]:
    """List the views that stand for raw tables: schema, name, rows of the people, their tables.

    A view of files names no tables.
    """
    with duckdb.connect() as connection:
        load_erased(connection=connection, tombstones=dict.fromkeys(ids, ""))
        return list(views_in(connection=connection, database=database))


def views_in(
    *, connection: duckdb.DuckDBPyConnection, database: Path
) -> Iterator[tuple[str, str, int, dict[str, dict[str, str]]]]:
    """Yield what `raw_views` lists; the connection knows who is erased."""
    catalog = database.stem  # the name under which views know it
    connection.execute(f"attach {text(database)} as {name(catalog)} (read_only)")
    connection.execute(f"use {name(catalog)}")
    views = connection.execute(
        "select schema_name, view_name, sql from duckdb_views() "
        "where database_name = $catalog and not internal order by all",
        {"catalog": catalog},
    ).fetchall()
    sql_of_views = {(schema, view): sql for schema, view, sql in views}
    for schema, view in sql_of_views:
        if schema.lower() not in RAW_SCHEMAS:
            continue
        relation = f"{name(catalog)}.{name(schema)}.{name(view)}"
        try:
            described = connection.execute(f"describe {relation}").fetchall()
            columns = {column: type_ for column, type_, *_ in described}
            ids = id_columns(columns)
            if not ids:
                continue
            id_ = canonical_id(name(ids[0]), columns[ids[0]])
            (rows,) = connection.execute(
                f"select count(*) from {relation} where {id_} in "
                f"(select erased_id from temp.{ERASED})"
            ).fetchone()
            tables = tables_of_view((schema, view), sql_of_views, connection=connection)
        except duckdb.Error:
            continue  # it shows nothing to anybody
        columns_of_tables = {
            ".".join(each): columns_of(
                connection=connection, catalog=catalog, schema=each[0], table=each[1]
            )
            for each in sorted(tables)
        }
        # of a file there are none
        yield (
            schema,
            view,
            rows,
            {each: found for each, found in columns_of_tables.items() if found},
        )


def tables_of_view(
    view: tuple[str, str],
    views: dict[tuple[str, str], str],
    /,
    *,
    connection: duckdb.DuckDBPyConnection,
) -> set[tuple[str, str]]:
    """Return the tables that a view reads, through other views as well."""
    found, left, seen = set(), [view], set()
    while left:
        each = left.pop()
        if each in seen:
            continue
        seen.add(each)
        if each not in views:
            found.add(each)
            continue
        query = views[each].partition(" AS ")[2].strip().rstrip(";")
        for named in connection.get_table_names(query, qualified=True):
            *_, schema, table = ["main", *(part.strip('"') for part in named.split("."))]
            left.append((schema, table))
    return found
