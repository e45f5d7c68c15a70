"""What an audit found, in words."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_helpers.audit.expectations import Expectation


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of an expectation: in words and aggregates, without a row of a customer."""

    expectation: Expectation
    outcome: str
    """`passed`, `warn`, `block`, or `not asked`."""
    lines: tuple[str, ...] = ()
    """What was found, or why it was not asked; a line each."""


def expected_words(*, arguments: Mapping[str, object], type: str) -> str:
    """Say what was expected: the ends of a range, else the name of the expectation."""
    ends = (("at least", arguments.get("min_value")), ("at most", arguments.get("max_value")))
    words = " and ".join(f"{word} {value}" for word, value in ends if value is not None)
    if not words:
        return type.removeprefix("expect_").replace("_", " ")
    return f"{arguments.get('column', 'it')} {words}"


def sentence(*, template: str, values: Mapping[str, object]) -> str:
    """Fill in what was found, with a word for NULL."""
    return Words().vformat(template, (), values)


class Words(string.Formatter):
    """Format like `str.format`, with a word for NULL."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format a value; NULL and words have no number format."""
        if value is None:
            return "nothing"
        try:
            return str(super().format_field(value, format_spec))
        except ValueError:
            return str(value)
