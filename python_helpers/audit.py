"""The audit of a build, before anything is published.

It reads the warehouse and the last published build and writes to neither. What dbt's tests prove
of every build is not asked again: the audit asks whether a build that is right is also plausible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from python_helpers.audit_page import write_page
from python_helpers.expectations import Finding, read_suites
from python_helpers.progress import say
from python_helpers.published import PublishError, check_files, live_build
from python_helpers.settings import Settings, SettingsError

PAGE = "audit.html"
OVERRIDE = "If it is right all the same, publish it once with refresh --skip-audit."


class AuditError(Exception):
    """A build that is not to be published; the message has one line per cause."""

    exit_code = 5
    outcome = "blocked"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found."""

    is_skipped: bool
    compared_with: str | None
    """Id of the published build it was compared with."""
    not_compared: str | None
    """Why it was compared with none."""
    findings: tuple[Finding, ...]
    page: Path

    def lines(self, outcome: str, /) -> list[str]:
        """List what was found, line by line, of one outcome."""
        found = (finding for finding in self.findings if finding.outcome == outcome)
        return [line for finding in found for line in finding.lines]

    def counts(self) -> dict[str, int]:
        """Count the findings by outcome."""
        outcomes = [finding.outcome for finding in self.findings]
        return {name: outcomes.count(name) for name in ("passed", "warn", "block", "not asked")}

    def in_manifest(self) -> dict[str, object]:
        """Return what the manifest of a published build says of its audit."""
        return {
            "skipped": self.is_skipped,
            "compared_with": self.compared_with,
            "expectations": self.counts(),
            "warnings": self.lines("warn"),
        }


def compared(*, settings: Settings, console: Console) -> Settings:
    """Leave a live build that is damaged out of the comparison, and say so."""
    live = live_build(publish_dir=settings.publish_dir)
    try:
        if live:
            check_files(build=live)
    except (PublishError, OSError) as error:
        say(console, f"Warning: {error} It is live, and nothing is compared with it.")
        return replace(settings, compares=False)
    return settings


def audit(*, settings: Settings, console: Console) -> Audit:
    """Ask every expectation of the warehouse as it is; returns what was found.

    Raises AuditError where that blocks, and SettingsError where there is no warehouse, or a suite
    that cannot be understood. Its page is written in any case.
    """
    if not settings.warehouse.is_file():
        raise SettingsError(f"There is no warehouse {settings.warehouse}: run refresh first.")
    audited = asked(settings=settings)
    write_page(page=audited.page, findings=audited.findings, summary=summary(audited=audited))
    for line in audited.lines("warn"):
        say(console, f"Warning: {line}")
    if audited.lines("block"):
        raise AuditError(
            "\n".join([*audited.lines("block"), OVERRIDE, f"The whole audit: {audited.page}"])
        )
    if audited.findings or audited.is_skipped:
        say(console, summary(audited=audited))
    return audited


def asked(*, settings: Settings) -> Audit:
    """Ask, unless the audit is skipped or there is nothing to ask."""
    live = live_build(publish_dir=settings.publish_dir) if settings.compares else None
    nothing = Audit(
        is_skipped=settings.skip_audit,
        compared_with=None,
        not_compared=None,
        findings=(),
        page=settings.target_path / PAGE,
    )
    suites = read_suites(project_dir=settings.project_dir)
    if settings.skip_audit or not suites:
        return nothing
    # here and not above: it takes seconds, which --help need not wait for
    from python_helpers.audit_engine import findings_of

    not_compared, findings = findings_of(suites=suites, settings=settings, live=live)
    return replace(
        nothing,
        compared_with=live.name if live and not not_compared else None,
        not_compared=not_compared,
        findings=findings,
    )


def summary(*, audited: Audit) -> str:
    """Say on one line how an audit went."""
    if audited.is_skipped:
        return "The audit was skipped."
    counts = audited.counts()
    line = f"Audited: {counts['passed']} expectations met, {counts['warn']} not met (warning)"
    line += f", {counts['block']} not met (blocked)" if counts["block"] else ""
    line += f", {counts['not asked']} not asked" if counts["not asked"] else ""
    return f"{line}; compared with {audited.compared_with or f'nothing: {audited.not_compared}'}."
