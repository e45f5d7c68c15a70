"""Great Expectations inside DuckDB: opens what is audited, asks, and puts the answers into words.

Nothing is read into Python but aggregates, and of a query that names its rows, those that failed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

# read when Great Expectations is imported: nothing of an audit leaves this machine
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
import sqlalchemy as sa
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.expectations.registry import get_expectation_impl

from python_helpers.expectations import Expectation, Finding, Suite, expected_words, sentence
from python_helpers.publish import name as identifier
from python_helpers.publish import text
from python_helpers.published import DATABASE, read_manifest
from python_helpers.settings import Settings, SettingsError

SCHEMAS = ("marts", "intermediate", "staging", "restricted")
PUBLISHED = '"last published build"'  # no warehouse file is called so
SHOWN_ROWS = 5  # of an expectation; the others are counted
SEVERITIES = {"block": "critical", "warn": "warning"}  # the levels, as Great Expectations says it
NOTHING_PUBLISHED = "nothing is published yet"
OLDER = "the last build is of a version that had not all it reads"
MISSING = "because what it reads is not there"


def findings_of(
    *, suites: list[Suite], settings: Settings, live: Path | None
) -> tuple[str | None, tuple[Finding, ...]]:
    """Ask every expectation; returns why nothing is compared, if so, and what was found."""
    with opened(settings=settings, live=live) as (source, connection):
        not_compared = create_run(
            connection=connection,
            settings=settings,
            manifest=read_manifest(build=live) if live else {},
        )
        unanswered: dict[str, str] = {}
        findings: list[Finding] = []
        for suite in suites:
            tables = {
                expectation.table for expectation in suite.expectations
            } - suite.queries.keys()
            for name, sql in {**suite.queries, **dict.fromkeys(tables)}.items():
                cause = create_query(
                    connection=connection,
                    name=name,
                    sql=in_full(sql=sql or f"from {name} limit 0", settings=settings),
                    unanswered=dict.fromkeys([PUBLISHED], not_compared) | unanswered,
                )
                if cause:
                    unanswered[name] = cause
            for expectation in suite.expectations:
                cause = unanswered.get(expectation.table)
                if cause:
                    findings.append(not_asked(expectation=expectation, cause=cause))
                else:
                    findings += ask(source=source, expectation=expectation, settings=settings)
    return not_compared, tuple(findings)


@contextmanager
def opened(
    *, settings: Settings, live: Path | None
) -> Iterator[tuple[SQLDatasource, sa.Connection]]:
    """Open a database in memory, with the warehouse and the last build attached to be read."""
    # all of it in memory, without a site of its own
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
        # by a name, because Great Expectations opens it more than once
        connection_string=f"duckdb:///:memory:audit{uuid4().hex}",
        # a result is gone once SQLAlchemy rolls back
        kwargs={"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True},
    )
    engine = source.get_engine()
    attached = {warehouse_name(settings=settings): settings.warehouse}
    if live:
        attached[PUBLISHED] = live / DATABASE
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
            # the file is free again, whatever still holds the engine
            for database in attached:
                execute(connection=connection, sql=f"detach {database}")
    engine.dispose()


def warehouse_name(*, settings: Settings) -> str:
    """Name the warehouse as its own views do: as its file is called."""
    return identifier(settings.warehouse.name.split(".")[0])


def execute(*, connection: sa.Connection, sql: str) -> sa.CursorResult:
    """Run SQL as it is: a colon in it is no parameter."""
    return connection.exec_driver_sql(sql)


def in_full(*, sql: str, settings: Settings) -> str:
    """Name the tables in full, because a warehouse may be called marts."""
    warehouse = warehouse_name(settings=settings)
    sql = re.sub(rf"\b({'|'.join(SCHEMAS)})\.(?=\w)", rf"{warehouse}.\1.", sql)
    return re.sub(r"\bpublished\.(?=\w)", f"{PUBLISHED}.main.", sql)


def create_run(
    *, connection: sa.Connection, settings: Settings, manifest: Mapping[str, object]
) -> str | None:
    """Create the table `run`: this build and the last published one; says why not to compare."""
    published = f"""
        select
            cast({text(manifest.get("as_of_date", ""))} as date) as published_as_of_date,
            {text(manifest.get("reporting_currency"))} as published_currency,
            {text(manifest.get("raw_input"))} = 'sample' as was_sample
    """
    execute(
        connection=connection,
        sql=in_full(
            sql=f"""
            create table run as
            select
                settings.*,
                published.*,
                case
                    when published_as_of_date is null then {text(NOTHING_PUBLISHED)}
                    when is_sample <> was_sample then 'the sample is no build to compare with'
                    when is_reporting_currency_set and reporting_currency <> published_currency
                        then 'the reporting currency is another one'
                    when is_as_of_date_set and as_of_date < published_as_of_date
                        then 'as-of is set back'
                end as not_compared
            from intermediate.int_run_settings as settings
            left join ({published}) as published on {text(bool(manifest))}::boolean
            """,
            settings=settings,
        ),
    )
    return execute(connection=connection, sql="select not_compared from run").scalar()


def create_query(
    *, connection: sa.Connection, name: str, sql: str, unanswered: Mapping[str, str | None]
) -> str | None:
    """Create a table of a query; says why its expectations cannot be asked, if so.

    What it reads may be unanswered itself: name -> why.
    """
    for read, cause in unanswered.items():
        if cause and re.search(rf"(?<![\w.]){re.escape(read)}(?!\w)", sql):
            return cause
    try:
        execute(connection=connection, sql=f"create table {identifier(name)} as {sql}")
    except sa.exc.DBAPIError as error:
        cause = str(error.orig).splitlines()[0]
        # the last build is of an older version, or only a part of the project was built
        if isinstance(error.orig, duckdb.CatalogException | duckdb.BinderException):
            return OLDER if PUBLISHED.strip('"') in cause else f"{MISSING} ({cause})"
        raise SettingsError(f"The query {name} of the audit: {cause}") from error
    return None


def not_asked(*, expectation: Expectation, cause: str) -> Finding:
    """Say that an expectation was not asked; where that is no matter of course, as a warning."""
    outcome = "warn" if cause.startswith(MISSING) else "not asked"
    line = f"{expectation.name}: not asked, {cause}."
    return Finding(expectation=expectation, outcome=outcome, lines=(line,))


def ask(
    *, source: SQLDatasource, expectation: Expectation, settings: Settings
) -> Iterator[Finding]:
    """Ask an expectation at each of its levels; a row that blocks is not warned of as well."""
    query = in_full(sql=f"select * from {expectation.table}", settings=settings)
    asset = source.add_query_asset(f"{expectation.suite}.{expectation.name}", query=query)
    batch = asset.add_batch_definition_whole_table("whole table").get_batch()
    said: list[str] = []
    for level, arguments in expectation.arguments.items():
        result = validate(batch=batch, expectation=expectation, level=level, arguments=arguments)
        found = [] if result.success else words_of(expectation=expectation, result=result)
        lines = [line for line in found if line not in said]
        said += lines
        expected = expected_words(arguments=arguments, type=expectation.type)
        shown = [f"{line} Expected: {expected}. {expectation.advice}" for line in lines]
        if len(shown) > SHOWN_ROWS:
            shown[SHOWN_ROWS:] = [f"{expectation.name}: {len(shown) - SHOWN_ROWS} more like these."]
        if shown:
            yield Finding(expectation=expectation, outcome=level, lines=tuple(shown))
    if not said:
        yield Finding(expectation=expectation, outcome="passed")


def validate(
    *, batch: Batch, expectation: Expectation, level: str, arguments: Mapping[str, object]
) -> ExpectationValidationResult:
    """Let Great Expectations decide; values are fetched of the columns that are shown alone."""
    # not one value of a column is sampled: it may be anybody's
    result_format: dict[str, object] = {"result_format": "BASIC", "partial_unexpected_count": 0}
    if expectation.shown_columns:
        result_format = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": expectation.shown_columns,
        }
    kind = get_expectation_impl(expectation.type)
    result = batch.validate(
        kind(**arguments, severity=SEVERITIES[level]), result_format=result_format
    )
    failures = [
        failure["exception_message"]
        for failure in (result.exception_info or {}).values()
        if isinstance(failure, dict) and failure.get("raised_exception")
    ]
    if failures:
        cause = " ".join(failures[0].split())
        raise SettingsError(f"{expectation.suite}: {expectation.name} cannot be asked: {cause}")
    return result


def words_of(*, expectation: Expectation, result: ExpectationValidationResult) -> list[str]:
    """Say what was found: of each row that failed, else of the whole."""
    rows = result.result.get("unexpected_index_list")
    if rows and expectation.shown_columns:
        return [sentence(template=expectation.found, values=row) for row in rows]
    observed = result.result.get("observed_value")
    if observed is None:
        share = result.result.get("unexpected_percent") or 0
        observed = f"{result.result.get('unexpected_count')} rows, {share:.2f} %"
    return [sentence(template=expectation.found, values={"observed": observed})]
