"""The database of an audit, in memory: the warehouse and the last published build, read-only."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from uuid import uuid4

# read when Great Expectations is imported: an audit sends nothing to anybody
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
import sqlalchemy as sa
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent import SQLDatasource

from python_helpers.audit.expectations import SCHEMAS
from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name as identifier
from python_helpers.core.sql import text
from python_helpers.publishing.builds import DATABASE

PUBLISHED = '"last published build"'  # no warehouse file has this name
# relations that read it
COMPARED = (PUBLISHED, "int_periods_published", "rpt_restatements")
# reasons not to ask an expectation
NOTHING_PUBLISHED = "first build: nothing to compare with yet"
OLDER = "the last build is of a version that lacks something it reads"
MISSING = "because something it reads is missing"


@contextmanager
def opened(
    *, settings: Settings, before: Path | None
) -> Iterator[tuple[SQLDatasource, sa.Connection]]:
    """Open a database in memory, with the warehouse and the last build attached read-only."""
    # in memory, without a site of its own
    in_memory = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(
        project_config=DataContextConfig(
            store_backend_defaults=in_memory,
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
        mode="ephemeral",
    )
    source = context.data_sources.add_sql(
        "warehouse",
        # with a name, because Great Expectations opens it more than once
        connection_string=f"duckdb:///:memory:audit{uuid4().hex}",
        # a rollback of SQLAlchemy would discard a result
        kwargs={"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True},
    )
    engine = source.get_engine()
    attached = {warehouse_name(settings=settings): settings.warehouse}
    if before:
        attached[PUBLISHED] = before / DATABASE
    with engine.connect() as connection:
        execute(connection=connection, sql=f"set threads = {settings.threads}")
        spill = text(settings.target_path / "audit")
        execute(connection=connection, sql=f"set temp_directory = {spill}")
        if settings.memory_limit:
            limit = text(settings.memory_limit)
            execute(connection=connection, sql=f"set memory_limit = {limit}")
        for database, path in attached.items():
            execute(connection=connection, sql=f"attach {text(path)} as {database} (read_only)")
        try:
            yield source, connection
        finally:
            # the files are free again, even if something still holds the engine
            for database in attached:
                execute(connection=connection, sql=f"detach {database}")
    engine.dispose()


def warehouse_name(*, settings: Settings) -> str:
    """Name the warehouse as its own views do: by the name of its file."""
    return identifier(settings.warehouse.name.split(".")[0])


def execute(*, connection: sa.Connection, sql: str) -> sa.CursorResult:
    """Run SQL unchanged: a colon in it is not a parameter."""
    return connection.exec_driver_sql(sql)


def in_full(sql: str, settings: Settings, /) -> str:
    """Name the tables in full, because a warehouse may be called marts."""
    warehouse = warehouse_name(settings=settings)
    sql = re.sub(rf"\b({'|'.join(SCHEMAS)})\.(?=\w)", rf"{warehouse}.\1.", sql)
    return re.sub(r"\bpublished\.(?=\w)", f"{PUBLISHED}.main.", sql)


def create_run(
    *, connection: sa.Connection, settings: Settings, manifest: Mapping[str, object]
) -> str | None:
    """Create the table `run`: this build and the last one; returns why not to compare them."""
    published = f"""
        select
            try_cast({text(manifest.get("as_of_date", ""))} as date) as published_as_of_date,
            {text(manifest.get("reporting_currency"))} as published_currency,
            {text(manifest.get("raw_input"))} = 'sample' as was_sample
    """
    execute(
        connection=connection,
        sql=in_full(
            f"""
            create table run as
            select
                settings.*,
                published.*,
                case
                    when published_as_of_date is null then {text(NOTHING_PUBLISHED)}
                    when is_sample <> was_sample then 'one of the two builds is of the sample'
                    when is_reporting_currency_set and reporting_currency <> published_currency
                        then 'the reporting currency has changed'
                    when is_as_of_date_set and as_of_date < published_as_of_date
                        then 'the as-of date was set back'
                end as not_compared
            from intermediate.int_run_settings as settings
            left join ({published}) as published on {text(bool(manifest))}::boolean
            """,
            settings,
        ),
    )
    return execute(connection=connection, sql="select not_compared from run").scalar()


def create_query(
    *,
    connection: sa.Connection,
    name: str,
    sql: str,
    unanswered: Mapping[str, str | None],
    suite: str,
    settings: Settings,
) -> str | None:
    """Create a table of a query; returns why its expectations cannot be asked, if so.

    `unanswered` names what cannot be read: name -> why. Raises SettingsError where the query could
    not be asked of any build, because a name in it is misspelt.
    """
    cause = next(
        (
            cause
            for read, cause in unanswered.items()
            if cause and re.search(rf"(?<!\w){re.escape(read)}(?!\w)", in_full(sql, settings))
        ),
        None,
    )
    if not cause:
        error = created(connection=connection, name=name, sql=in_full(sql, settings))
        if not error:
            return None
        # the last build is of an older version, or only part of the project was built
        if not isinstance(error, duckdb.CatalogException | duckdb.BinderException):
            raise SettingsError(f"{suite}.yml: the query {name}: {first_line(error)}")
        cause = OLDER
    # compare this build with itself: every name in the query has to exist in it
    alone = re.sub(r"\bpublished\.(?=\w)", "marts.", sql)
    rowless = f"select * from ({in_full(alone, settings)}) limit 0"
    error = created(connection=connection, name=name, sql=rowless)
    if not error:
        return cause
    missing = re.search(r"Table with name (\w+) does not exist", str(error))
    if missing and missing[1] in unanswered:
        return cause
    # in a copy of a warehouse under another name, views lead nowhere
    is_copy = re.search('Catalog "[^"]*" does not exist', str(error))
    if is_copy or (missing and is_model(missing[1], settings=settings)):
        return f"{MISSING} ({first_line(error)})"
    raise SettingsError(f"{suite}.yml: the query {name}: {first_line(error)}")


def created(*, connection: sa.Connection, name: str, sql: str) -> duckdb.Error | None:
    """Create a table of a query; returns the error of DuckDB, if any."""
    try:
        execute(connection=connection, sql=f"create table {identifier(name)} as {sql}")
    except sa.exc.DBAPIError as error:
        return cast(duckdb.Error, error.orig)
    return None


def first_line(error: duckdb.Error, /) -> str:
    """Return the message of an error, without the statement."""
    return str(error).splitlines()[0]


def is_model(name: str, /, *, settings: Settings) -> bool:
    """Tell whether the project has a model or a seed with this name, built or not."""
    return any(
        path.suffix in (".sql", ".py", ".csv")
        for folder in ("models", "seeds")
        for path in (settings.project_dir / folder).rglob(f"{name}.*")
    )
