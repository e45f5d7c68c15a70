"""The database of an audit: the warehouse and the last published build, read-only."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

# read when Great Expectations is imported: an audit sends nothing to anybody
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
import sqlalchemy as sa
from great_expectations.data_context import EphemeralDataContext
from great_expectations.util import convert_to_json_serializable

from python_helpers.audit.data_docs import data_docs
from python_helpers.audit.findings import FIRST_BUILD, NOTHING_WHOLE
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import AUDIT_SPILL
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name as identifier
from python_helpers.core.sql import text
from python_helpers.publishing.builds import DATABASE
from python_helpers.spark.session import session_of

SCHEMAS = ("marts", "intermediate", "staging", "restricted")
PUBLISHED = '"last published build"'  # no warehouse file has this name
PUBLISHED_COLUMNS = "published_columns"
# what reads it, beside queries
COMPARED = (PUBLISHED_COLUMNS, "int_periods_published", "rpt_restatements")
# what on_spark.py says in Spark's words
KNOWN_TO_SUITES = (
    "create macro days_between(earlier, later) as date_diff('day', earlier, later)",
    """
    create view all_days as
    select unnest(generate_series(date '1970-01-01', current_date + 366, interval 1 day))::date
        as date_day
    """,
)
MISSING = "because something it reads is missing"
PART = "because the last build, or this one, lacks something it reads"
"""Why an expectation is not asked: a name is misspelt, or this or the last build lacks a part."""


class CannotAskError(Exception):
    """A query cannot be asked; the message says why, on one line."""

    def __init__(self, cause: str, /, *, is_missing: bool, table: str | None = None) -> None:
        """Tell whether something that it reads `is_missing`, and which table, if that is known."""
        super().__init__(cause)
        self.is_missing, self.table = is_missing, table


@dataclass(frozen=True, kw_only=True)
class AuditDatabase:
    """The open database of an engine, for SQL and for Great Expectations."""

    settings: Settings
    context: EphemeralDataContext
    source: Any
    """The data source of Great Expectations, which has `add_query_asset`."""
    docs: Path
    """The folder of the Data Docs."""
    places: Mapping[str, str]
    """Schema of a suite -> where it is; the marts may be in another file than the rest."""
    published: str
    """Where the last published build is."""

    def keep(self, *, name: str, query: str) -> None:
        """Keep the rows of a query under a name. Raises CannotAskError."""
        raise NotImplementedError

    def first_row(self, name: str, /) -> Mapping[str, Any] | None:
        """Return the first row of what was kept: column -> value."""
        raise NotImplementedError

    def in_full(self, sql: str, /) -> str:
        """Name the tables in full, because a warehouse may be called marts."""
        schemas = rf"\b({'|'.join(self.places)})\.(?=\w)"
        return re.sub(schemas, lambda found: f"{self.places[found[1]]}.", sql)


@dataclass(frozen=True, kw_only=True)
class DuckdbAudit(AuditDatabase):
    """A database in memory, with the warehouse and the last build attached read-only."""

    connection: sa.Connection

    def execute(self, sql: str, /) -> sa.CursorResult[Any]:
        """Run SQL unchanged: a colon in it is not a parameter."""
        return self.connection.exec_driver_sql(sql)

    def keep(self, *, name: str, query: str) -> None:
        """Keep the rows in a table."""
        try:
            self.execute(f"create or replace table {identifier(name)} as {query}")
        except sa.exc.DBAPIError as error:
            cause = str(error.orig).splitlines()[0]
            table = re.search(r"Table with name (\w+) does not exist", cause)
            kinds = duckdb.CatalogException | duckdb.BinderException
            raise CannotAskError(
                cause, is_missing=isinstance(error.orig, kinds), table=table and table[1]
            ) from error

    def first_row(self, name: str, /) -> Mapping[str, Any] | None:
        """Read the first row of a table."""
        row = self.execute(f"from {identifier(name)}").mappings().first()
        return dict(row) if row else None


@contextmanager
def opened(*, settings: Settings, before: Path | None, docs: Path) -> Iterator[AuditDatabase]:
    """Open the warehouse and the last build to be asked; neither is written to.

    The Data Docs are in the folder `docs`.
    """
    context = gx.get_context(project_config=data_docs(folder=docs), mode="ephemeral")
    if settings.on_spark:
        session_of(settings=settings)  # it says so if Spark is not installed
        from python_helpers.audit.on_spark import opened_in_spark

        with opened_in_spark(settings=settings, docs=docs, context=context) as found:
            yield found
        return
    source = context.data_sources.add_sql(
        "warehouse",
        # with a name, because Great Expectations opens it more than once
        connection_string=f"duckdb:///:memory:audit{uuid4().hex}",
        # a rollback of SQLAlchemy would discard a result
        kwargs={"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True},
    )
    engine = source.get_engine()
    warehouse = warehouse_name(settings=settings)
    attached = {warehouse: settings.warehouse}
    if before:
        attached[PUBLISHED] = before / DATABASE
    with engine.connect() as connection:
        database = DuckdbAudit(
            settings=settings,
            context=context,
            source=source,
            connection=connection,
            docs=docs,
            places={schema: f"{warehouse}.{schema}" for schema in SCHEMAS}
            | {"published": f"{PUBLISHED}.main"},
            published=PUBLISHED,
        )
        database.execute(settings.limits(spill=settings.target_path / AUDIT_SPILL))
        for name, path in attached.items():
            database.execute(f"attach {text(path)} as {name} (read_only)")
        for statement in KNOWN_TO_SUITES:
            database.execute(statement)
        database.execute(
            f"create table {PUBLISHED_COLUMNS} as select table_name, column_name "
            f"from duckdb_columns() where database_name = {text(PUBLISHED.strip(chr(34)))}"
        )
        try:
            yield database
        finally:
            # the files are free again, even if something still holds the engine or a result
            source.get_execution_engine().engine.dispose()
            engine.dispose()
            for name in attached:
                database.execute(f"detach {name}")


def warehouse_name(*, settings: Settings) -> str:
    """Name the warehouse as its own views do: by the name of its file."""
    return identifier(settings.warehouse.name.split(".")[0])


def create_run(*, database: AuditDatabase, manifest: Mapping[str, object]) -> str | None:
    """Create the table `run`: this build and the last one; returns why not to compare them."""
    is_first = database.settings.compared_with == database.settings.publish_dir and not manifest
    run = f"""
        select
            settings.*,
            last_build.*,
            case
                when published_as_of_date is null
                    then {text(FIRST_BUILD if is_first else NOTHING_WHOLE)}
                when is_sample <> was_sample then 'one of the two builds is of the sample'
                when is_reporting_currency_set and reporting_currency <> published_currency
                    then 'the reporting currency has changed'
                when coalesce(cast(activity_window_days as string), '') <> published_window
                    then 'the activity window has changed'
                when is_as_of_date_set and as_of_date < published_as_of_date
                    then 'the as-of date was set back'
            end as not_compared
        from intermediate.int_run_settings as settings
        left join (
            select
                try_cast({text(manifest.get("as_of_date", ""))} as date) as published_as_of_date,
                {text(manifest.get("reporting_currency"))} as published_currency,
                {text(manifest.get("activity_window") or "")} as published_window,
                {text(manifest.get("raw_input"))} = 'sample' as was_sample
        ) as last_build on cast({text(bool(manifest))} as boolean)
    """
    database.keep(name="run", query=database.in_full(run))
    found = database.first_row("run")
    return found["not_compared"] if found else None


def create_query(
    *, database: AuditDatabase, name: str, sql: str, unanswered: Mapping[str, str]
) -> str | None:
    """Create a table of a query; returns why its expectations cannot be asked, if so.

    `unanswered` names what cannot be read: name -> why. Raises SettingsError where the query is no
    SQL.
    """
    full = database.in_full(sql)
    for read, cause in unanswered.items():
        if re.search(rf"(?<!\w){re.escape(read)}(?!\w)", full):
            return cause
    try:
        database.keep(name=name, query=full)
    except CannotAskError as error:
        if error.is_missing:
            project_dir = database.settings.project_dir
            is_part = error.table and is_model(error.table, project_dir=project_dir)
            return f"{PART if is_part or database.published in full else MISSING} ({error})"
        raise SettingsError(f"the query {name}: {error}") from error
    return None


def value_of(
    *, database: AuditDatabase, name: str, sql: str, unanswered: Mapping[str, str]
) -> tuple[Any, str | None]:
    """Return the value of a parameter, and why it has none, if so. Raises what a query does."""
    # under a name of its own: a parameter may be called like a table that it reads
    kept = f"parameter.{name}"
    cause = create_query(database=database, name=kept, sql=sql, unanswered=unanswered)
    row = {} if cause else database.first_row(kept) or {}
    value = in_order(row) if len(row) > 1 else row.get(next(iter(row), ""))
    if value is None:
        return None, cause or f"because {name} has no value"
    return convert_to_json_serializable(value), None


def in_order(row: Mapping[str, Any], /) -> dict[str, Any]:
    """Order the lists of a row by the first: an engine collects values in any order."""
    if not all(isinstance(value, list) for value in row.values()):
        return dict(row)
    together = sorted(zip(*row.values(), strict=True))
    return dict(zip(row, map(list, zip(*together, strict=True)), strict=True))


def is_model(name: str, /, *, project_dir: Path) -> bool:
    """Tell whether the project has a model or a seed with this name, built or not."""
    found = (path for folder in ("models", "seeds") for path in (project_dir / folder).rglob("*.*"))
    return any(path.stem == name and path.suffix in (".sql", ".py", ".csv") for path in found)
