"""Writes Parquet and CSV files of marts anew, with tombstones in place of ids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import RawTable
from python_helpers.erase.catalog import id_columns, is_of_rejected_rows
from python_helpers.erase.database import load_erased
from python_helpers.erase.row_keys import erased_row_keys
from python_helpers.erase.values import ERASED, canonical_id, tombstone_or
from python_helpers.export.files import FORMULA

ROW = "row_of_file"  # they stay in their order
SUFFIXES = (".parquet", ".csv", ".csv.gz")


def is_table(file: Path, /) -> bool:
    """Tell whether a file holds the rows of a table."""
    return file.name.endswith(SUFFIXES)


def erase_in_table(
    *, file: Path, to: Path, tombstones: Mapping[str, str], contract: list[RawTable]
) -> bool:
    """Write a file of rows anew where it has one of the people; returns whether it has.

    Values are read as text and written as they were: a CSV file stays the same, but for the ids.
    """
    with duckdb.connect() as connection:
        known = dict(tombstones)
        if ".csv" in file.suffixes:
            # a CSV export puts a ' before what a spreadsheet would take for a formula
            is_formula = f"select regexp_matches($id, {text(FORMULA)})"
            for id_, tombstone in tombstones.items():
                if connection.execute(is_formula, {"id": id_}).fetchone()[0]:
                    known.setdefault(f"'{id_}", tombstone)
        load_erased(connection=connection, tombstones=known)
        relation = relation_of(file)
        columns = {
            column: type_
            for column, type_, *_ in connection.execute(f"describe from {relation}").fetchall()
        }
        if not rows_found(
            connection=connection,
            relation=relation,
            table=file.name.split(".")[0],
            columns=columns,
            contract=contract,
        ):
            return False
        ids = id_columns(columns)
        source = f"(select *, row_number() over () as {ROW} from {relation}) as old"
        if ids:
            on = canonical_id(f"old.{name(ids[0])}", columns[ids[0]])
            source += f" left join {ERASED} as erased on {on} = erased.erased_id"
            replaced = {ids[0]: tombstone_or(f"old.{name(ids[0])}", columns[ids[0]])}
        else:
            source += f" left join ({erased_row_keys(relation, contract)}) as erased_keys"
            source += " using (table_name, row_key)"
            replaced = {"row_key": "coalesce(erased_keys.new_key, old.row_key)"}
        selected = ", ".join(
            f"{replaced.get(column, f'old.{name(column)}')} as {name(column)}" for column in columns
        )
        how = "format parquet, compression zstd" if file.suffix == ".parquet" else csv_options(file)
        connection.execute(
            f"copy (select {selected} from {source} order by {ROW}) to {text(to)} ({how})"
        )
    return True


def rows_found(
    *,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    table: str,
    columns: Mapping[str, str],
    contract: list[RawTable],
) -> int:
    """Count the rows of a relation that are of one of the people."""
    if is_of_rejected_rows(table, columns):
        keys = f"({erased_row_keys(relation, contract)}) using (table_name, row_key)"
        query = f"select count(*) from {relation} join {keys}"
    elif ids := id_columns(columns):
        id_ = canonical_id(name(ids[0]), columns[ids[0]])
        query = f"select count(*) from {relation} where {id_} in (select erased_id from {ERASED})"
    else:
        return 0
    return connection.execute(query).fetchone()[0]


def relation_of(file: Path, /) -> str:
    """Return what reads a file."""
    if file.suffix == ".parquet":
        return f"read_parquet({text(file)})"
    return (
        f"read_csv({text(file)}, all_varchar = true, header = true, delim = ',', quote = '\"', "
        "escape = '\"', comment = '', strict_mode = true, allow_quoted_nulls = false)"
    )


def csv_options(file: Path, /) -> str:
    """Return how a CSV file is written."""
    compression = "gzip" if file.suffix == ".gz" else "none"
    return f"format csv, header, compression {compression}"
