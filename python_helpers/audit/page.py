"""The page of an audit: what was expected, why, and what was found, in one HTML file.

The Data Docs of Great Expectations would show samples of the values that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from python_helpers.audit.findings import LEVELS, Finding, expected_words

if TYPE_CHECKING:
    from python_helpers.audit.expectations import Expectation

WORDS = {"passed": "met", "warn": "warning", "block": "blocked", "not asked": "not asked"}
COLOURS = {"passed": "#2a7d4f", "warn": "#b26a00", "block": "#b3261e", "not asked": "#6b6b6b"}
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .4rem; border-bottom: 1px solid #ddd }
code { font-size: 90% } p { margin: .2rem 0 } .reason { color: #555 }
"""


def write_page(*, page: Path, findings: Iterable[Finding], summary: str) -> None:
    """Write the page of an audit."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines_of(findings=findings, summary=summary)), encoding="utf-8")


def lines_of(*, findings: Iterable[Finding], summary: str) -> Iterator[str]:
    """Yield the lines of the page: a table per suite."""
    yield "<!doctype html>"
    yield f'<html lang="en"><meta charset="utf-8"><title>Audit</title><style>{STYLE}</style>'
    yield f"<h1>Audit</h1><p>{escape(summary)}</p>"
    for suite, found in groupby(findings, key=lambda finding: finding.expectation.suite):
        yield f"<h2>{escape(suite)}</h2><table>"
        yield "<tr><th>outcome</th><th>expectation</th><th>what was found</th></tr>"
        for finding in found:
            yield row_of(finding=finding)
        yield "</table>"
    yield "</html>"


def row_of(*, finding: Finding) -> str:
    """Write the row of a finding."""
    expectation = finding.expectation
    colour = COLOURS[finding.outcome]
    asked = "".join(f"<p>{escape(line)}</p>" for line in asked_lines(expectation=expectation))
    found = "".join(f"<p>{escape(line)}</p>" for line in finding.lines)
    return (
        f'<tr><td style="color: {colour}"><b>{WORDS[finding.outcome]}</b></td>'
        f"<td><b>{escape(expectation.name)}</b>{asked}"
        f'<p class="reason">{escape(expectation.reason)}</p></td><td>{found}</td></tr>'
    )


def asked_lines(*, expectation: Expectation) -> Iterator[str]:
    """Say what is expected at each level."""
    for level in LEVELS:
        if level in expectation.arguments:
            words = expected_words(arguments=expectation.arguments[level], type=expectation.type)
            yield f"{expectation.table}: {words}, else {WORDS[level]}"
