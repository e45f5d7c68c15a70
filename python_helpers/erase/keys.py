"""Keys, indexes and rules on tables that are written anew: what has to be kept, and in which order.

`copy from database` makes the tables of the new file with all of them, and sequences go on where
they were. A column of numbers that becomes text is another matter: DuckDB alters no table that has
a key or an index, so such a table is made once more from its SQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter

import duckdb

from python_helpers.core.sql import name, text
from python_helpers.erase.catalog import (
    Table,
    foreign_keys,
    generated_columns,
    indexes_of,
    rules_of,
    sql_of,
)


def parents_first(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, tables: Collection[Table]
) -> list[Table]:
    """Put tables in an order in which every row finds the one that its foreign key names."""
    order = TopologicalSorter({table: () for table in tables})
    for child, _, parent, _ in foreign_keys(connection=connection, catalog=catalog):
        if child != parent:
            order.add(child, parent)
    return list(order.static_order())


def unique_columns(
    *,
    connection: duckdb.DuckDBPyConnection,
    catalog: str,
    schema: str,
    table: str,
    columns: Collection[str],
) -> set[str]:
    """Return the columns of which keys and unique indexes are made."""
    place = {"connection": connection, "catalog": catalog, "schema": schema, "table": table}
    found = columns_of_rules(rules_of(**place), "PRIMARY KEY", "UNIQUE")
    # of what an index is made stands behind the first bracket
    of_indexes = [
        sql.partition("(")[2] for _, is_unique, sql, _ in indexes_of(**place) if is_unique
    ]
    return found | {column for column in columns for sql in of_indexes if is_named(column, sql)}


def key_columns(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str
) -> set[str]:
    """Return the columns of a table that are its key, name another's row, or are counted up."""
    place = {"connection": connection, "catalog": catalog, "schema": schema, "table": table}
    found = columns_of_rules(rules_of(**place), "PRIMARY KEY", "FOREIGN KEY")
    counted = connection.execute(
        """
        select column_name from duckdb_columns()
        where database_name = $catalog and schema_name = $schema and table_name = $table
            and column_default ilike '%nextval(%'
        """,
        {"catalog": catalog, "schema": schema, "table": table},
    ).fetchall()
    return found | {column for (column,) in counted}


def columns_of_rules(rules: list[tuple[str, str, list[str]]], /, *kinds: str) -> set[str]:
    """Return the columns that rules of some kinds are about."""
    return {column for kind, _, columns in rules if kind in kinds for column in columns}


def is_named(column: str, sql: str, /) -> bool:
    """Tell whether SQL may name a column."""
    return bool(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", sql, re.IGNORECASE))


def give_text_ids(
    *,
    connection: duckdb.DuckDBPyConnection,
    old: str,
    catalog: str,
    tables: Mapping[Table, str],
) -> None:
    """Let a column of some empty tables in the new database be text; it has been of numbers."""
    bound = bound_tables(connection=connection, catalog=old, tables=tables)
    for (schema, table), column in tables.items():
        if (schema, table) not in bound:
            new = f"{name(catalog)}.{name(schema)}.{name(table)}"
            connection.execute(f"alter table {new} alter column {name(column)} type varchar")
    ordered = [
        table
        for table in parents_first(connection=connection, catalog=old, tables=bound)
        if table in bound
    ]
    for schema, table in reversed(ordered):
        connection.execute(f"drop table {name(catalog)}.{name(schema)}.{name(table)}")
    for schema, table in ordered:
        make_again(
            connection=connection,
            old=old,
            catalog=catalog,
            schema=schema,
            table=table,
            id_column=tables.get((schema, table)),
        )


def bound_tables(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, tables: Mapping[Table, str]
) -> set[Table]:
    """Return the tables that cannot be altered, with those whose foreign keys lead to them."""
    bound = set()
    for schema, table in tables:
        place = {"connection": connection, "catalog": catalog, "schema": schema, "table": table}
        kinds = {kind for kind, _, _ in rules_of(**place)} - {"NOT NULL"}
        if kinds or indexes_of(**place) or generated_columns(**place):
            bound.add((schema, table))
    keys = foreign_keys(connection=connection, catalog=catalog)
    while more := {child for child, _, parent, _ in keys if parent in bound} - bound:
        bound |= more
    return bound


def make_again(
    *,
    connection: duckdb.DuckDBPyConnection,
    old: str,
    catalog: str,
    schema: str,
    table: str,
    id_column: str | None,
) -> None:
    """Make a table from the SQL of the old one, its ids as text; with comments and indexes."""
    place = {"connection": connection, "catalog": old, "schema": schema, "table": table}
    sql = sql_of(**place)
    if id_column:
        # the first of that name: a column, since keys and rules stand behind the columns
        sql = re.sub(
            rf'([(,] ?"?{re.escape(id_column)}"? )[A-Z]\w*([(][\d,]+[)])?',
            r"\1VARCHAR",
            sql,
            count=1,
        )
    connection.execute(f"use {name(catalog)}")
    connection.execute(sql)
    for index, _, sql_of_index, comment in indexes_of(**place):
        connection.execute(sql_of_index)
        if comment:
            connection.execute(f"comment on index {name(schema)}.{name(index)} is {text(comment)}")
    connection.execute("use memory")
    new = f"{name(catalog)}.{name(schema)}.{name(table)}"
    for column, comment in connection.execute(
        """
        select null, comment from duckdb_tables()
        where database_name = $catalog and schema_name = $schema and table_name = $table
        union all
        select column_name, comment from duckdb_columns()
        where database_name = $catalog and schema_name = $schema and table_name = $table
        """,
        {"catalog": old, "schema": schema, "table": table},
    ).fetchall():
        if comment:
            what = f"column {new}.{name(column)}" if column else f"table {new}"
            connection.execute(f"comment on {what} is {text(comment)}")
