"""Asks the suites about a warehouse, and says what was found."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from great_expectations.core import RunIdentifier
from great_expectations.core.suite_parameters import build_suite_parameters

from python_helpers.audit.checkpoint import Question, run_checkpoint
from python_helpers.audit.database import (
    COMPARED,
    MISSING,
    PART,
    AuditDatabase,
    CannotAskError,
    create_query,
    create_run,
    opened,
    value_of,
)
from python_helpers.audit.expectations import Expectation, Suite
from python_helpers.audit.findings import SHOWN_ROWS, Finding
from python_helpers.core.disk import why
from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings
from python_helpers.publishing.builds import read_manifest
from python_helpers.warehouse.problems import explained


def findings_of(
    *, suites: list[Suite], settings: Settings, before: Path | None, docs: Path, run_name: str
) -> tuple[str | None, tuple[Finding, ...]]:
    """Ask every expectation; returns why there was no comparison, if so, and the findings.

    The Data Docs in the folder `docs` show them under the name of the run and its as-of date.
    """
    manifest = read_manifest(build=before) if before else {}
    unanswered: dict[str, str] = {}
    findings: list[Finding] = []
    try:
        with opened(settings=settings, before=before, docs=docs) as database:
            not_compared = create_run(database=database, manifest=manifest)
            as_of = (database.first_row("run") or {}).get("as_of_date")
            run = RunIdentifier(run_name=f"{run_name}_as_of_{as_of}", run_time=datetime.now(UTC))
            if not_compared:
                unanswered |= dict.fromkeys((database.published, *COMPARED), not_compared)
            for suite in suites:
                findings += ask(suite=suite, database=database, unanswered=unanswered, run=run)
        return not_compared, tuple(findings)
    except (sa.exc.DBAPIError, CannotAskError) as error:
        cause = explained(message=str(getattr(error, "orig", error)).splitlines()[0])
        where = "The warehouse on Spark" if settings.on_spark else settings.warehouse
        raise SettingsError(f"{where} cannot be audited: {cause}") from error
    except OSError as error:
        advice = "Move it away, or choose another folder."
        raise SettingsError(f"{docs} cannot be written to ({why(error)}). {advice}") from error


def ask(
    *, suite: Suite, database: AuditDatabase, unanswered: dict[str, str], run: RunIdentifier
) -> Iterator[Finding]:
    """Ask the expectations of a suite; a row that blocks causes no warning as well."""
    tables = {table for each in suite.expectations for table in each.tables} - suite.queries.keys()
    columns = {table: f"select * from {table} limit 0" for table in tables}
    for name, sql in (suite.queries | columns).items():
        cause = create_query(database=database, name=name, sql=sql, unanswered=unanswered)
        if cause:
            unanswered[name] = cause
    questions: list[Question] = []
    for expectation in suite.expectations:
        causes: dict[str, None] = {}
        first = len(questions)
        for table in expectation.tables:
            parameters, cause = {}, unanswered.get(table)
            for name in sorted(expectation.parameters):
                sql = suite.parameters[name].replace("{table}", table.split(".")[-1])
                parameters[name], why = value_of(
                    database=database, name=name, sql=sql, unanswered=unanswered
                )
                cause = cause or why
            if cause:
                causes[cause] = None
                continue
            questions += [
                Question(
                    number=len(questions) + number,
                    expectation=expectation,
                    table=table,
                    level=level,
                    parameters=parameters,
                    arguments=build_suite_parameters(arguments, parameters)[0],
                )
                for number, (level, arguments) in enumerate(expectation.arguments.items())
            ]
        unasked = [not_asked(expectation=expectation, cause=cause) for cause in causes]
        # that nothing can be compared yet is no finding where another table was asked
        is_asked = len(questions) > first
        yield from (each for each in unasked if not is_asked or each.outcome != "not asked")
    lines = run_checkpoint(questions=questions, database=database, run=run)
    for expectation in suite.expectations:
        asked = [question for question in questions if question.expectation == expectation]
        said: set[str] = set()
        for level in expectation.arguments:
            shown: list[str] = []
            where = f"({expectation.name} in {expectation.suite}.yml)"
            for question in (question for question in asked if question.level == level):
                found = [each for each in lines.get(question.number, []) if each not in said]
                said |= {*found}
                expected = f"Expected: {question.expected}. {expectation.advice} {where}"
                shown += [f"{line} {expected}" for line in found]
            if len(shown) > SHOWN_ROWS:
                shown[SHOWN_ROWS:] = [f"{len(shown) - SHOWN_ROWS} more like these. {where}"]
            if shown:
                yield Finding(expectation=expectation, outcome=level, lines=tuple(shown))
        if asked and not said:
            yield Finding(expectation=expectation, outcome="passed")


def not_asked(*, expectation: Expectation, cause: str) -> Finding:
    """Report that an expectation was not asked; a misspelt name disarms none that blocks."""
    outcome = "not asked"
    if cause.startswith(MISSING):
        outcome = "block" if "block" in expectation.arguments else "warn"
    elif cause.startswith(PART):
        outcome = "warn"
    line = f"{expectation.name}: not asked, {cause}."
    return Finding(expectation=expectation, outcome=outcome, lines=(line,))
