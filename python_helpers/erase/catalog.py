"""Reads what DuckDB says of the tables of a database: columns, keys, rules, indexes."""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb

from python_helpers.erase.values import CUSTOMER_ID

OLD = "old database"  # no file of DuckDB is called so
REJECTED_ROWS = "rejected_rows"

Table = tuple[str, str]
"""Schema and name."""


def tables_of(*, connection: duckdb.DuckDBPyConnection, catalog: str) -> list[tuple[str, str]]:
    """List the tables of a database: schema and name."""
    return connection.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = $catalog and not temporary
        order by all
        """,
        {"catalog": catalog},
    ).fetchall()


def columns_of(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str
) -> dict[str, str]:
    """Return the columns of a table, with their types, in order."""
    return dict(
        connection.execute(
            """
            select column_name, data_type from duckdb_columns()
            where database_name = $catalog and schema_name = $schema and table_name = $table
            order by column_index
            """,
            {"catalog": catalog, "schema": schema, "table": table},
        ).fetchall()
    )


def nullable_columns(*, connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> set[str]:
    """Return the columns of a table of the old database that may be empty."""
    found = connection.execute(
        """
        select column_name from duckdb_columns()
        where database_name = $old and schema_name = $schema and table_name = $table
            and is_nullable
        """,
        {"old": OLD, "schema": schema, "table": table},
    ).fetchall()
    return {column for (column,) in found}


def id_columns(columns: Collection[str], /) -> list[str]:
    """Return the column that says whose a row is, if there is one."""
    return [column for column in columns if column.lower() == CUSTOMER_ID]


def is_of_rejected_rows(table: str, columns: Collection[str], /) -> bool:
    """Tell whether a table has the keys of rejected rows, in which an id may be a part."""
    return table == REJECTED_ROWS and {"table_name", "row_key"} <= set(columns)


def foreign_keys(
    *, connection: duckdb.DuckDBPyConnection, catalog: str
) -> list[tuple[Table, list[str], Table, list[str]]]:
    """List the foreign keys: table, its columns, the table they name, columns of that."""
    # a foreign key names a table of its own schema: DuckDB makes no other
    return [
        ((schema, table), columns, (schema, parent), parent_columns)
        for schema, table, columns, parent, parent_columns in connection.execute(
            """
            select
                schema_name, table_name, constraint_column_names,
                referenced_table, referenced_column_names
            from duckdb_constraints()
            where database_name = $catalog and constraint_type = 'FOREIGN KEY'
            order by all
            """,
            {"catalog": catalog},
        ).fetchall()
    ]


def generated_columns(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str
) -> dict[str, str]:
    """Return the columns that are worked out from others, with how."""
    sql = sql_of(connection=connection, catalog=catalog, schema=schema, table=table)
    return {
        column: expression
        for column, expression in connection.execute(
            """
            select column_name, column_default from duckdb_columns()
            where database_name = $catalog and schema_name = $schema and table_name = $table
                and column_default is not null
            """,
            {"catalog": catalog, "schema": schema, "table": table},
        ).fetchall()
        if re.search(
            rf'[(,] ?"?{re.escape(column)}"? (?:[^,(]|[(][\d,]+[)])*?GENERATED ALWAYS AS', sql
        )
    }


def sql_of(*, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str) -> str:
    """Return what would make a table."""
    return connection.execute(
        """
        select sql from duckdb_tables()
        where database_name = $catalog and schema_name = $schema and table_name = $table
        """,
        {"catalog": catalog, "schema": schema, "table": table},
    ).fetchone()[0]


def indexes_of(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str
) -> list[tuple[str, bool, str, str | None]]:
    """List the indexes that were made on a table: name, whether of unique values, SQL, comment."""
    return connection.execute(
        """
        select index_name, is_unique, sql, comment from duckdb_indexes()
        where database_name = $catalog and schema_name = $schema and table_name = $table
            and sql is not null
        order by all
        """,
        {"catalog": catalog, "schema": schema, "table": table},
    ).fetchall()


def rules_of(
    *, connection: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str
) -> list[tuple[str, str, list[str]]]:
    """List the constraints of a table: kind, text, columns."""
    return connection.execute(
        """
        select constraint_type, constraint_text, constraint_column_names
        from duckdb_constraints()
        where database_name = $catalog and schema_name = $schema and table_name = $table
        order by all
        """,
        {"catalog": catalog, "schema": schema, "table": table},
    ).fetchall()
