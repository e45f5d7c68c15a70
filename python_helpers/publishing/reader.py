"""Opens the marts of a published build for who copies them, and says what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.publishing.builds import (
    DATABASE,
    check_files,
    kept_builds,
    live_build,
    read_manifest,
)

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
    manifest: dict
    connection: duckdb.DuckDBPyConnection
    marts: dict[str, Mart]


@contextmanager
def opened(
    *, publish_dir: Path, build_id: str | None, config: Mapping[str, object]
) -> Iterator[Source]:
    """Open a build, the live one if none is named, after its files were checked.

    Whoever has it open keeps it, also after a refresh removed it. Raises PublishError.
    """
    for last in range(TRIES):
        build = chosen_build(publish_dir=publish_dir, build_id=build_id)
        try:
            manifest = read_manifest(build=build)
            connection = duckdb.connect(str(build / DATABASE), read_only=True, config=dict(config))
        except (PublishError, duckdb.IOException) as error:
            if not build.exists() and last < TRIES - 1:
                continue
            if isinstance(error, PublishError):
                raise
            raise PublishError(f"Build {build.name} is damaged: {error}") from error
        with connection:
            try:
                # after it was opened: what was checked is what is read
                check_files(build=build)
            except (PublishError, FileNotFoundError):
                if not build.exists() and last < TRIES - 1:
                    continue
                raise
            marts = marts_in(connection=connection, rows=manifest.get("rows") or {})
            yield Source(build=build, manifest=manifest, connection=connection, marts=marts)
            return


def chosen_build(*, publish_dir: Path, build_id: str | None) -> Path:
    """Find the named build, else the live one. Raises PublishError."""
    builds = kept_builds(publish_dir=publish_dir)
    if build_id is None:
        live = live_build(publish_dir=publish_dir)
        if not live:
            raise PublishError(f"Nothing is published in {publish_dir}: run refresh first.")
        return live
    for build in builds:
        if build.name == build_id:
            return build
    names = ", ".join(build.name for build in builds) or "none"
    raise PublishError(f"There is no build {build_id!r} in {publish_dir}. Kept are: {names}.")


def marts_in(*, connection: duckdb.DuckDBPyConnection, rows: Mapping[str, int]) -> dict[str, Mart]:
    """Describe the tables of a build, in the order of their names."""
    columns: dict[str, list[Column]] = {}
    for table, column, data_type, comment in connection.execute(
        """
        select table_name, column_name, data_type, comment from duckdb_columns()
        where database_name = current_database() and not internal
        order by table_name, column_index
        """
    ).fetchall():
        known = Column(name=column, type=data_type, description=comment)
        columns.setdefault(table, []).append(known)
    tables = connection.execute(
        """
        select table_name, comment from duckdb_tables()
        where database_name = current_database() and not internal
        order by table_name
        """
    ).fetchall()
    for table, _ in tables:
        if table not in rows:
            raise PublishError(f"The manifest of the build is damaged: it does not know {table}.")
    return {
        table: Mart(
            name=table, rows=rows[table], description=comment, columns=tuple(columns[table])
        )
        for table, comment in tables
    }


def is_number(data_type: str, /) -> bool:
    """Tell whether values of a type are exact numbers."""
    return data_type.startswith("DECIMAL") or data_type.removeprefix("U") in (
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    )


def is_text(data_type: str, /) -> bool:
    """Tell whether values of a type may be, or hold, whatever somebody wrote."""
    known = ("DATE", "BOOLEAN", "DOUBLE", "FLOAT")
    timed = data_type.startswith("TIME") and "[" not in data_type
    exact = is_number(data_type) and "[" not in data_type
    return not (data_type in known or timed or exact)
