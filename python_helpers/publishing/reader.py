"""Opens the marts of a published build to be copied, and describes them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.publishing.builds import DATABASE, check_files, find_build, read_manifest

TRIES = 3  # a refresh may remove the build between finding and opening it


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a mart."""

    name: str
    type: str
    """As DuckDB writes it: DECIMAL(18,2)."""
    description: str | None


@dataclass(frozen=True, kw_only=True)
class Mart:
    """A table of a published build."""

    name: str
    rows: int
    description: str | None
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A published build that is open to be read."""

    build: Path
    manifest: dict[str, Any]
    connection: duckdb.DuckDBPyConnection
    marts: dict[str, Mart]


@contextmanager
def opened(*, publish_dir: Path, build_id: str | None) -> Iterator[Source]:
    """Open a build, the live one if none is named, and check its files.

    An open build stays readable, even after a refresh removed it. Raises PublishError.
    """
    for tries_left in reversed(range(TRIES)):
        build = find_build(publish_dir=publish_dir, build_id=build_id)
        with ExitStack() as held:
            try:
                manifest = read_manifest(build=build)
                connection = held.enter_context(
                    duckdb.connect(str(build / DATABASE), read_only=True)
                )
                # after opening: what was checked is what is read
                check_files(build=build)
            except (PublishError, duckdb.IOException, FileNotFoundError) as error:
                if not build.exists() and tries_left:
                    continue
                if isinstance(error, duckdb.IOException):
                    raise PublishError(f"Build {build.name} is damaged: {error}") from error
                raise
            marts = marts_in(connection=connection, rows=manifest.get("rows") or {})
            yield Source(build=build, manifest=manifest, connection=connection, marts=marts)
            return


def marts_in(*, connection: duckdb.DuckDBPyConnection, rows: Mapping[str, int]) -> dict[str, Mart]:
    """Describe the tables of a build, in the order of their names."""
    found = connection.execute(
        """
        select
            table_name,
            any_value(tables.comment),
            list(
                {'name': column_name, 'type': data_type, 'description': columns.comment}
                order by column_index
            )
        from duckdb_tables() as tables
        inner join duckdb_columns() as columns using (database_name, schema_name, table_name)
        where database_name = current_database() and not tables.internal
        group by table_name
        order by table_name
        """
    ).fetchall()
    if unknown := [table for table, *_ in found if table not in rows]:
        raise PublishError(
            f"The manifest of the build is damaged: it does not list {', '.join(unknown)}."
        )
    return {
        table: Mart(
            name=table,
            rows=rows[table],
            description=comment,
            columns=tuple(Column(**column) for column in columns),
        )
        for table, comment, columns in found
    }
