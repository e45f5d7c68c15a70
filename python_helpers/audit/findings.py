"""What an audit found, in words."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_helpers.audit.expectations import Expectation

FIRST_BUILD = "first build: nothing to compare with yet"
NOTHING_WHOLE = "no published build is whole, so there is nothing to compare with"
"""Why a build is compared with nothing. The second blocks: on a failed disk half of one passes."""
SHOWN_ROWS = 3  # of an expectation; further rows are only counted
UNSAID = ("mostly", "exact_match", "or_equal", "ignore_row_if", "tail_weight_holdout")
"""Arguments that are said in another way, or need no words."""
MOST_VALUES = 5  # of a set or a distribution; further ones are only counted


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of an expectation: in words and aggregates, without a row of a customer."""

    expectation: Expectation
    outcome: str
    """`passed`, `warn`, `block`, or `not asked`."""
    lines: tuple[str, ...] = ()
    """What was found, or why it was not asked; a line each."""


def expected_words(*, arguments: Mapping[str, Any], type: str) -> str:
    """Say what was expected: the ends of a range, else the type with its arguments."""
    ends = (("at least", arguments.get("min_value")), ("at most", arguments.get("max_value")))
    words = " and ".join(f"{word} {short(value)}" for word, value in ends if value is not None)
    if words:
        return f"{arguments.get('column', '')} {words}".strip()
    if type == "UnexpectedRowsExpectation":
        return "no such row"
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type)
    words = words.removeprefix(" expect ").replace("k l ", "KL ")
    shown = {name: value for name, value in arguments.items() if name not in UNSAID}
    names = ", ".join(f"{name.replace('_', ' ')} {short(value)}" for name, value in shown.items())
    most = f" in at least {arguments['mostly']:.0%} of the rows" if "mostly" in arguments else ""
    return f"{words} ({names}){most}"


def short(value: object, /) -> str:
    """Write an argument; of a set or a distribution the first values."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, dict) and "weights" in value:
        pairs = zip(value["weights"], value["values"], strict=True)
        value = [f"{word} {weight:.0%}" for weight, word in sorted(pairs, reverse=True)]
    if isinstance(value, list):
        more = len(value) - MOST_VALUES
        return ", ".join(map(str, value[:MOST_VALUES])) + (f" and {more} more" if more > 0 else "")
    return str(value)


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
