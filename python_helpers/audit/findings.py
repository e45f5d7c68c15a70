"""What an audit found, in words, and as a page of HTML.

The Data Docs of Great Expectations would show samples of the values that failed.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from python_helpers.audit.expectations import Expectation

FIRST_BUILD = "first build: nothing to compare with yet"
NOTHING_WHOLE = "no published build is whole, so there is nothing to compare with"
"""Why a build is compared with nothing. The second blocks: on a failed disk half of one passes."""
WORDS = {"passed": "met", "warn": "warning", "block": "blocked", "not asked": "not asked"}
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem }
td, th { text-align: left; vertical-align: top; padding: .4rem; border-bottom: 1px solid #ddd }
"""


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


def write_page(*, page: Path, findings: Iterable[Finding], summary: str) -> None:
    """Write the page of an audit: a table per suite."""
    lines = [
        "<!doctype html>",
        f'<html lang="en"><meta charset="utf-8"><title>Audit</title><style>{STYLE}</style>',
        f"<h1>Audit</h1><p>{escape(summary)}</p>",
    ]
    for suite, found in groupby(findings, key=lambda finding: finding.expectation.suite):
        lines.append(f"<h2>{escape(suite)}</h2><table><tr><th>outcome</th>")
        lines.append("<th>expectation</th><th>what was found</th></tr>")
        lines += [row_of(finding=finding) for finding in found]
        lines.append("</table>")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join([*lines, "</html>"]), encoding="utf-8")


def row_of(*, finding: Finding) -> str:
    """Write the row of a finding: its outcome, what was expected and why, what was found."""
    expectation = finding.expectation
    asked = [
        f"{expectation.table}: {expected_words(arguments=arguments, type=expectation.type)}, "
        f"else {WORDS[level]}"
        for level, arguments in expectation.arguments.items()
    ]
    return (
        f"<tr><td><b>{WORDS[finding.outcome]}</b></td>"
        f"<td><b>{escape(expectation.name)}</b>{paragraphs(asked)}"
        f"{paragraphs([expectation.reason])}</td>"
        f"<td>{paragraphs(finding.lines)}</td></tr>"
    )


def paragraphs(lines: Iterable[str], /) -> str:
    """Write lines as paragraphs."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)
