"""Exports of systems, staged in memory by the models of their connectors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from lifecycle import PROJECT

from python_helpers.delivery.rendering import Macros

EXPORTS = PROJECT / "tests" / "connectors"
Query = Callable[[str], list[tuple]]


@contextmanager
def connected(
    folder: Path,
    systems: str,
    /,
    *,
    salts: Path,
    tables: str = "orders",
    before: str = "",
    **settings: object,
) -> Iterator[Query]:
    """Stage `tables` from the exports in a folder, as a build does; yields how to ask.

    `salts` is a folder for the salt of customers; `before` is SQL to run first.
    """
    (salts / "salt").write_text("0" * 64, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(before)
        macros = Macros(
            connection=connection,
            project_dir=PROJECT,
            settings={
                "raw_input": systems,
                "raw_data_dir": str(folder),
                "erasures_dir": str(salts),
                **settings,
            },
        )
        for table in tables.split():
            macros.ref(f"stg_{table}")
        yield lambda sql: connection.execute(sql).fetchall()
