"""Asks the expectations: Great Expectations decides inside DuckDB, and the answers become words.

Python reads only aggregates, and the failed rows of a query that shows its rows.
"""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from great_expectations.core import ExpectationValidationResult
from great_expectations.datasource.fluent.interfaces import Batch

from python_helpers.audit.database import (
    COMPARED,
    MISSING,
    PART,
    AuditDatabase,
    create_query,
    create_run,
    opened,
)
from python_helpers.audit.expectations import Expectation, Suite, made
from python_helpers.audit.findings import Finding, expected_words, sentence
from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings
from python_helpers.publishing.builds import read_manifest
from python_helpers.warehouse.problems import explained

SHOWN_ROWS = 3  # of an expectation; further rows are only counted


def findings_of(
    *, suites: list[Suite], settings: Settings, before: Path | None
) -> tuple[str | None, tuple[Finding, ...]]:
    """Ask every expectation; returns why there was no comparison, if so, and the findings."""
    manifest = read_manifest(build=before) if before else {}
    unanswered: dict[str, str] = {}
    findings: list[Finding] = []
    try:
        with opened(settings=settings, before=before) as database:
            not_compared = create_run(database=database, manifest=manifest)
            if not_compared:
                unanswered |= dict.fromkeys(COMPARED, not_compared)
            for suite in suites:
                tables = {each.table for each in suite.expectations} - suite.queries.keys()
                queries = suite.queries | {table: f"from {table} limit 0" for table in tables}
                for name, sql in queries.items():
                    cause = create_query(
                        database=database, name=name, sql=sql, unanswered=unanswered
                    )
                    if cause:
                        unanswered[name] = cause
                for expectation in suite.expectations:
                    if cause := unanswered.get(expectation.table):
                        findings.append(not_asked(expectation=expectation, cause=cause))
                    else:
                        findings += ask(database=database, expectation=expectation)
        return not_compared, tuple(findings)
    except sa.exc.DBAPIError as error:
        cause = explained(message=str(error.orig).splitlines()[0])
        raise SettingsError(f"{settings.warehouse} cannot be audited: {cause}") from error


def not_asked(*, expectation: Expectation, cause: str) -> Finding:
    """Report that an expectation was not asked; a misspelt name disarms none that blocks."""
    outcome = "not asked"
    if cause.startswith(MISSING):
        outcome = "block" if "block" in expectation.arguments else "warn"
    elif cause.startswith(PART):
        outcome = "warn"
    line = f"{expectation.name}: not asked, {cause}."
    return Finding(expectation=expectation, outcome=outcome, lines=(line,))


def ask(*, database: AuditDatabase, expectation: Expectation) -> Iterator[Finding]:
    """Ask an expectation at each of its levels; a row that blocks causes no warning as well."""
    query = database.in_full(f"select * from {expectation.table}")
    asset = database.source.add_query_asset(f"{expectation.suite}.{expectation.name}", query=query)
    batch = asset.add_batch_definition_whole_table("whole table").get_batch()
    said: list[str] = []
    for level, arguments in expectation.arguments.items():
        result = validate(batch=batch, expectation=expectation, level=level)
        found = [] if result.success else words_of(expectation=expectation, result=result)
        lines = [line for line in found if line not in said]
        said += lines
        expected = expected_words(arguments=arguments, type=expectation.type)
        where = f"({expectation.name} in {expectation.suite}.yml)"
        shown = [f"{line} Expected: {expected}. {expectation.advice} {where}" for line in lines]
        if len(shown) > SHOWN_ROWS:
            shown[SHOWN_ROWS:] = [f"{len(shown) - SHOWN_ROWS} more like these. {where}"]
        if shown:
            yield Finding(expectation=expectation, outcome=level, lines=tuple(shown))
    if not said:
        yield Finding(expectation=expectation, outcome="passed")


def validate(*, batch: Batch, expectation: Expectation, level: str) -> ExpectationValidationResult:
    """Let Great Expectations decide; it fetches values only of the columns that are shown."""
    # no value is sampled: it may identify a person
    result_format: dict[str, object] = {"result_format": "BASIC", "partial_unexpected_count": 0}
    if expectation.shown_columns:
        result_format = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": expectation.shown_columns,
        }
    asked = made(expectation.type, arguments=expectation.arguments[level])
    result = batch.validate(asked, result_format=result_format)
    # one exception, or one per metric
    found = result.exception_info or {}
    raised = [found, *(each for each in found.values() if isinstance(each, dict))]
    failures = [each["exception_message"] for each in raised if each.get("raised_exception")]
    if failures:
        cause = " ".join(failures[0].split())
        raise SettingsError(f"{expectation.suite}: {expectation.name} cannot be asked: {cause}")
    return result


def words_of(*, expectation: Expectation, result: ExpectationValidationResult) -> list[str]:
    """Say what was found, for each row that failed or for the whole."""
    rows = result.result.get("unexpected_index_list")
    if rows and expectation.shown_columns:
        return [sentence(template=expectation.found, values=row) for row in rows]
    observed = result.result.get("observed_value")
    if observed is None:
        share = result.result.get("unexpected_percent") or 0
        observed = f"{result.result.get('unexpected_count')} rows, {share:.2f} %"
    return [sentence(template=expectation.found, values={"observed": observed})]
