"""Finds where people are: in tables, in files of a delivery, and what else is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import RawTable, contracted
from python_helpers.delivery.files import raw_files
from python_helpers.erase.catalog import OLD, columns_of, id_columns, tables_of
from python_helpers.erase.database import load_erased
from python_helpers.erase.files import relation_of, rows_found
from python_helpers.erase.values import ERASED, WORD, canonical_id


def rows_in_database(
    *, database: Path, ids: Collection[str], contract: list[RawTable]
) -> dict[str, int]:
    """Count the rows of each table that are of one of the people; tables without are left out."""
    with opened(database=database, ids=ids) as connection:
        found = {
            f"{schema}.{table}": rows_found(
                connection=connection,
                relation=relation,
                table=table,
                columns=columns,
                contract=contract,
            )
            for schema, table, relation, columns in described(connection=connection)
        }
    return {table: rows for table, rows in found.items() if rows}


def known_of(*, database: Path, ids: Collection[str], contract: list[RawTable]) -> set[str]:
    """Gather what a warehouse knows of people that says who they are: names, comments."""
    found = set()
    with opened(database=database, ids=ids) as connection:
        for schema, table, relation, columns in described(connection=connection):
            of_raw = contracted(schema=schema, table=table, columns=columns, contract=contract)
            if of_raw and id_columns(columns):
                found |= restricted_values(
                    connection=connection, relation=relation, columns=columns, table=of_raw
                )
    return found - {WORD}


def restricted_values(
    *, connection: duckdb.DuckDBPyConnection, relation: str, columns: dict, table: RawTable
) -> set[str]:
    """Return the direct identifiers in the rows of the people."""
    restricted = {column.name for column in table.columns if column.is_restricted}
    values = [
        f"cast({name(column)} as varchar)" for column in columns if column.lower() in restricted
    ]
    if "raw_row" in columns:
        values += [f"json_extract_string(raw_row, '$.{column}')" for column in sorted(restricted)]
    if not values:
        return set()
    (id_column,) = id_columns(columns)
    id_ = canonical_id(name(id_column), columns[id_column])
    rows = connection.execute(
        f"select {', '.join(values)} from {relation} "
        f"where {id_} in (select erased_id from {ERASED})"
    ).fetchall()
    return {value.strip() for row in rows for value in row if value and value.strip()}


def in_deliveries(
    *,
    folders: Collection[Path],
    ids: Collection[str],
    contract: list[RawTable],
) -> tuple[dict[str, int], set[str]]:
    """Count the rows of people in each file of deliveries; returns what else these say of them.

    A file that cannot be read is left out: the next refresh says what is wrong with it.
    """
    tables = {each.name: each for each in contract}
    counts, known = {}, set()
    with duckdb.connect() as connection:
        load_erased(connection=connection, tombstones=dict.fromkeys(ids, WORD))
        for file, table in delivered(folders=folders, tables=tables):
            relation = relation_of_delivered(file)
            try:
                columns = {
                    column: type_
                    for column, type_, *_ in connection.execute(
                        f"describe from {relation}"
                    ).fetchall()
                }
                rows = rows_found(
                    connection=connection,
                    relation=relation,
                    table=table,
                    columns=columns,
                    contract=contract,
                )
                if rows:
                    counts[str(file)] = rows
                    known |= restricted_values(
                        connection=connection,
                        relation=relation,
                        columns=columns,
                        table=tables[table],
                    )
            except duckdb.Error:
                continue
    return counts, known


def in_file(*, file: Path, ids: Collection[str]) -> int:
    """Count the rows of people in a file of rows. Raises duckdb.Error."""
    with duckdb.connect() as connection:
        load_erased(connection=connection, tombstones=dict.fromkeys(ids, WORD))
        relation = relation_of_delivered(file)
        described = connection.execute(f"describe from {relation}").fetchall()
        columns = {column: type_ for column, type_, *_ in described}
        return rows_found(
            connection=connection, relation=relation, table="", columns=columns, contract=[]
        )


def delivered(
    *, folders: Collection[Path], tables: dict[str, RawTable]
) -> Iterator[tuple[Path, str]]:
    """Yield the files of deliveries that are of customers, each with its table."""
    for folder in folders:
        if folder.is_dir():
            for table, file in raw_files(folder=folder, tables=tables):
                if table in tables:
                    yield file, table


def relation_of_delivered(file: Path, /) -> str:
    """Return what reads a delivered file, whatever its delimiter; a damaged line is passed over."""
    if file.suffix == ".parquet":
        return relation_of(file)
    return (
        f"read_csv({text(file)}, all_varchar = true, header = true, quote = '\"', escape = '\"', "
        "comment = '', ignore_errors = true, null_padding = true)"
    )


def opened(*, database: Path, ids: Collection[str]) -> duckdb.DuckDBPyConnection:
    """Open a database to be searched for people."""
    connection = duckdb.connect()
    load_erased(connection=connection, tombstones=dict.fromkeys(ids, WORD))
    connection.execute(f"attach {text(database)} as {name(OLD)} (read_only)")
    return connection


def described(
    *, connection: duckdb.DuckDBPyConnection
) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield the tables of the database: schema, name, how to name it in full, columns."""
    for schema, table in tables_of(connection=connection, catalog=OLD):
        columns = columns_of(connection=connection, catalog=OLD, schema=schema, table=table)
        yield schema, table, f"{name(OLD)}.{name(schema)}.{name(table)}", columns
