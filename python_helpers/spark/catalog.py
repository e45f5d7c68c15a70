"""What the catalog of Spark says of published builds: their schemas, and which one is live.

    marts.published_build   a view of one row: build_id, schema_name. It alone says what is live.
    marts_<build id>        the tables of a build, which are never written again
    marts.<mart>            a view of the table in the live schema, moved after the pointer

`alter view` is one change of the catalog: no reader finds the view missing. `create or replace
view` drops the view and makes it again, and a reader in between finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from python_helpers.core.sql import text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MARTS = "marts"
POINTER = "published_build"
SCHEMA = re.compile(r"marts_\d{8}t\d{6}z")
SHOWN = "shown_build"
"""The property of schema `marts` that is written when all its views show a build."""


def schema_of(build_id: str, /) -> str:
    """Name the schema of a build; the catalog knows small letters alone."""
    return f"{MARTS}_{build_id.lower()}"


def schemas(*, session: SparkSession) -> list[str]:
    """List the schemas of builds, whole or not, oldest first."""
    names = [name for (name,) in session.sql("show schemas").collect()]
    return sorted(filter(SCHEMA.fullmatch, names))


def newest_schema(*, session: SparkSession) -> str:
    """Name the schema of the newest build, published or refused.

    It is `marts` before the first one, and after a plain build, whose tables stand in for views.
    """
    found = (schemas(session=session) or [MARTS])[-1]
    views = tables_in(MARTS, session=session, kind="views")
    plain = tables_in(MARTS, session=session) - views
    return MARTS if plain & tables_in(found, session=session) else found


def tables_in(schema: str, /, *, session: SparkSession, kind: str = "tables") -> set[str]:
    """Return the names of tables and views in a schema, or with `kind` views those of its views."""
    if not session.catalog.databaseExists(schema):
        return set()
    found = session.sql(f"show {kind} in {schema}").collect()
    return {row[1] for row in found if not row["isTemporary"]}


def columns_of(*, session: SparkSession, schema: str) -> Iterator[tuple[str, str]]:
    """Yield table and column for each column in a schema."""
    for table in sorted(tables_in(schema, session=session)):
        for column in session.table(f"{schema}.{table}").columns:
            yield table, column


def remove_unknown_folders(*, session: SparkSession, tables: Iterable[tuple[str, str]]) -> None:
    """Remove the folders of tables, each as schema and name, that the catalog does not know.

    Spark makes and drops the folder of a table and its entry in the catalog one after the other. A
    run that is killed in between leaves a folder, and where it has files Spark makes no table.
    """
    java: Any = session
    named: dict[str, set[str]] = {}
    for schema, name in tables:
        named.setdefault(schema, set()).add(name)
    for schema, names in named.items():
        if session.catalog.databaseExists(schema):
            location = session.catalog.getDatabase(schema).locationUri
            for name in names - tables_in(schema, session=session):
                path = java._jvm.org.apache.hadoop.fs.Path(location, name)
                path.getFileSystem(java._jsc.hadoopConfiguration()).delete(path, True)


def live_id(*, session: SparkSession) -> str | None:
    """Return the id of the build that the pointer names, if there is one."""
    if POINTER not in tables_in(MARTS, session=session, kind="views"):
        return None
    return str(session.table(f"{MARTS}.{POINTER}").collect()[0]["build_id"])


def point_at(build_id: str, /, *, session: SparkSession) -> None:
    """Let readers find a build from now on: one change of the catalog."""
    query = f"select {text(build_id)} as build_id, {text(schema_of(build_id))} as schema_name"
    session.sql(f"create schema if not exists {MARTS}")
    put_view(POINTER, query=query, session=session, known=tables_in(MARTS, session=session))


def put_view(name: str, /, *, query: str, session: SparkSession, known: Collection[str]) -> None:
    """Make a view in schema `marts`, or change it, if it is among the known ones."""
    verb = "alter" if name in known else "create"
    session.sql(f"{verb} view {MARTS}.{name} as {query}")


def show(build_id: str, /, *, session: SparkSession) -> None:
    """Let the views in schema `marts` show a build. Tables of a plain build there make room."""
    schema = schema_of(build_id)
    views = tables_in(MARTS, session=session, kind="views") - {POINTER}
    plain = tables_in(MARTS, session=session) - views - {POINTER}
    shown = tables_in(schema, session=session)
    set_shown("", session=session)  # a run that is killed here leaves views of two builds
    for name in sorted(shown):
        if name in plain:
            session.sql(f"drop table {MARTS}.{name}")
        put_view(name, query=f"select * from {schema}.{name}", session=session, known=views)
    for name in views - shown:
        session.sql(f"drop view {MARTS}.{name}")
    set_shown(build_id, session=session)


def set_shown(build_id: str, /, *, session: SparkSession) -> None:
    """Note which build all views show."""
    session.sql(f"alter schema {MARTS} set dbproperties ({SHOWN} = {text(build_id)})")


def shown_id(*, session: SparkSession) -> str | None:
    """Return the id of the build that all views show; None if they show several, or none."""
    rows = session.sql(f"describe schema extended {MARTS}").collect()
    found = re.search(rf"\({SHOWN},(\w+)\)", str(dict(map(tuple, rows)).get("Properties")))
    return found[1] if found else None


def drop_schemas(*, session: SparkSession, keep: Collection[str]) -> None:
    """Drop the schemas of builds but those of these ids: of killed runs, and of old builds."""
    kept = {schema_of(build_id) for build_id in keep}
    for schema in schemas(session=session):
        if schema not in kept:
            session.sql(f"drop schema {schema} cascade")
