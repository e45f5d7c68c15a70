"""The page of an audit: what was expected, why, and what was found, in one HTML file.

The Data Docs of Great Expectations would show samples of the values that failed.
"""

from collections.abc import Iterable
from html import escape
from itertools import groupby
from pathlib import Path

from python_helpers.audit.findings import Finding, expected_words

WORDS = {"passed": "met", "warn": "warning", "block": "blocked", "not asked": "not asked"}
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem }
td, th { text-align: left; vertical-align: top; padding: .4rem; border-bottom: 1px solid #ddd }
"""


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
