"""A checkpoint of Great Expectations: it decides inside DuckDB, and its action tells what it found.

A batch is a table, and no value is sampled. Python reads only aggregates, and the failed rows of a
query that shows its rows.
"""

import html
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import great_expectations as gx
from great_expectations.checkpoint import CheckpointResult, UpdateDataDocsAction
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core import ExpectationValidationResult, RunIdentifier
from great_expectations.expectations.expectation import Expectation as GreatExpectation
from great_expectations.expectations.row_conditions import Column

from python_helpers.audit.data_docs import SHOWN, SITE
from python_helpers.audit.database import AuditDatabase
from python_helpers.audit.expectations import LEVELS, Expectation, made
from python_helpers.audit.findings import SHOWN_ROWS, expected_words, sentence
from python_helpers.core.disk import keep_owner
from python_helpers.core.errors import SettingsError

WHOLE = "whole table"
# no value is sampled: it may identify a person
ASKED = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True, kw_only=True)
class Question:
    """An expectation, asked about a table at a level."""

    number: int
    expectation: Expectation
    table: str
    level: str
    parameters: Mapping[str, Any]
    arguments: Mapping[str, Any]
    """With the values of the parameters."""

    @property
    def asset(self) -> str:
        """The name of the batch, in its suite."""
        return f"{self.expectation.suite}.{self.table.split('.')[-1]}"

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return expected_words(arguments=self.arguments, type=self.expectation.type)

    def made(self) -> GreatExpectation:
        """Create the expectation of Great Expectations, with what its page says."""
        expectation = self.expectation
        level = "blocks" if self.level == "block" else "warns"
        said = f"{expectation.name} ({level}): {self.expected}. {expectation.reason}"
        more = {
            "meta": {"question": self.number},
            "severity": LEVELS[self.level],
            "description": html.escape(said.strip()),
            "notes": html.escape(expectation.advice),
        }
        for column, value in expectation.where.items():
            more["row_condition"] = Column(column) == value
        return made(expectation.type, arguments={**self.arguments, **more})

    def check(self, result: ExpectationValidationResult, /) -> None:
        """Raise SettingsError where it could not be asked."""
        # one exception, or one per metric
        found = result.exception_info or {}
        raised = [found, *(each for each in found.values() if isinstance(each, dict))]
        failures = [each["exception_message"] for each in raised if each.get("raised_exception")]
        if failures:
            cause = " ".join(str(failures[0]).split())
            name = self.expectation.name
            raise SettingsError(f"{self.expectation.suite}: {name} cannot be asked: {cause}")

    def lines(self, rows: list[dict[str, Any]], /) -> list[str]:
        """Say what was found in each row; a base table is named by what was delivered."""
        table = self.table.split(".")[-1].removeprefix("base_")
        found = ({**self.parameters, "table": table, **row} for row in rows)
        return [sentence(template=self.expectation.found, values=values) for values in found]


def observed_in(result: Mapping[str, Any], /) -> object:
    """Return what was observed of a whole: a value, the columns that miss, or the rows."""
    if missing := result.get("details", {}).get("mismatched", {}).get("missing"):
        return ", ".join(missing)
    if "unexpected_count" in result:
        whole = result["element_count"] - result.get("missing_count", 0)
        counts = f"{result['unexpected_count']:,} of {whole:,} rows"
        return f"{counts} ({result['unexpected_percent'] or 0:.1f} %)"
    return result.get("observed_value")


class TellFindings(UpdateDataDocsAction):  # type: ignore[misc]
    """Turns results into lines, and shows them in the Data Docs: all pages at once."""

    type: Literal["tell_findings"] = "tell_findings"
    _database: AuditDatabase = PrivateAttr()
    _questions: Sequence[Question] = PrivateAttr()
    _lines: dict[int, list[str]] = PrivateAttr(default_factory=dict)
    """Number of a question -> what is to be said."""

    def run(
        self, checkpoint_result: CheckpointResult, action_context: object = None
    ) -> dict[str, Any]:
        """Tell what was found. Raises OSError where its pages cannot be written."""
        for results in checkpoint_result.run_results.values():
            for result in results.results:
                question = self._questions[result.expectation_config.meta["question"]]
                question.check(result)
                if result.success:
                    continue
                rows = [{"observed": observed_in(result.result)}]
                if question.expectation.shown_columns:
                    rows = failed_rows(question=question, database=self._database)
                lines = self._lines[question.number] = question.lines(rows)
                if "unexpected_count" in result.result:
                    said = " ".join(lines[:SHOWN_ROWS])
                    result.result["observed_value"] = html.escape(said)
        self.show(checkpoint_result)
        return {}

    def show(self, checkpoint_result: CheckpointResult, /) -> None:
        """Write the pages of these results, and remove those of runs before the last few."""
        context, settings = self._database.context, self._database.settings
        store = context.stores[SHOWN]
        for key, results in checkpoint_result.run_results.items():
            store.set(key, results)
        times = sorted({key.run_id.run_time for key in store.list_keys()})
        for key in store.list_keys():
            if key.run_id.run_time not in times[-settings.keep_builds :]:
                store.remove_key(key)
        suites = [key.expectation_suite_identifier for key in checkpoint_result.run_results]
        context.build_data_docs(
            site_names=[SITE], resource_identifiers=[*checkpoint_result.run_results, *suites]
        )
        docs = self._database.docs
        # fonts and pictures that our templates do not show
        shutil.rmtree(docs / "static", ignore_errors=True)
        for path in sorted([docs, *docs.rglob("*")], reverse=True):
            keep_owner(of=docs.parent, to=path)
            with suppress(OSError):
                path.rmdir()  # an empty folder, which Great Expectations leaves


def run_checkpoint(
    *, questions: Sequence[Question], database: AuditDatabase, run: RunIdentifier
) -> Mapping[int, list[str]]:
    """Ask, a batch per table; returns what is to be said of each question, by its number."""
    if not questions:
        return {}
    batches = defaultdict(list)
    for question in questions:
        batches[question.asset, question.table].append(question.made())
    context, definitions = database.context, []
    for (name, table), expectations in batches.items():
        query = database.in_full(f"select * from {table}")
        asset = database.source.add_query_asset(name, query=query)
        batch = asset.add_batch_definition_whole_table(WHOLE)
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        definitions.append(context.validation_definitions.add(definition))
    action = TellFindings(name="tell findings")
    action._database, action._questions = database, questions
    checkpoint = gx.Checkpoint(
        name=questions[0].expectation.suite,
        validation_definitions=definitions,
        actions=[action],
        result_format=ASKED,
    )
    checkpoint.run(run_id=run)
    return action._lines


def failed_rows(*, question: Question, database: AuditDatabase) -> list[dict[str, Any]]:
    """Fetch the columns of failed rows that are shown, and no others."""
    batch = database.source.get_asset(question.asset).get_batch_definition(WHOLE).get_batch()
    columns = question.expectation.shown_columns
    wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": columns}
    result = batch.validate(question.made(), result_format=wanted).result
    rows = result.get("unexpected_index_list") or result["details"]["unexpected_rows"]
    return [{column: row[column] for column in columns} for row in rows]
