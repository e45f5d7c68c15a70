"""A question to Great Expectations: an expectation about a table, at a level."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation as GreatExpectation
from great_expectations.expectations.row_conditions import Column

from python_helpers.audit.expectations import LEVELS, Expectation, made
from python_helpers.audit.findings import expected_words, sentence
from python_helpers.core.errors import SettingsError


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
        counts = f"{result['unexpected_count']:,} of {result['element_count']:,} rows"
        return f"{counts} ({result['unexpected_percent'] or 0:.1f} %)"
    return result.get("observed_value")
