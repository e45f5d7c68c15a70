"""The audit of a build, before anything is published.

It reads the warehouse and the last published build and writes to neither. What dbt's tests prove
of every build is not asked again: the audit asks whether a build that is right is also plausible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from python_helpers.audit.expectations import FOLDER, Finding, Suite, read_suites
from python_helpers.audit.page import write_page
from python_helpers.core.errors import AuditError, PublishError, SettingsError
from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.progress import say
from python_helpers.core.settings import AUDIT_PAGE, Settings
from python_helpers.publishing.builds import check_files, kept_builds, live_build

OVERRIDE = "If it is right all the same, publish it once with refresh --skip-audit."


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


def audit_alone(*, settings: Settings, console: Console) -> Audit:
    """Audit a warehouse that no run is writing to. Raises what `audit` does, and LockedError."""
    if not settings.warehouse.is_file():
        raise SettingsError(f"There is no warehouse {settings.warehouse}: run refresh first.")
    lock = warehouse_lock(warehouse=settings.warehouse)
    with locked(lock, command="lifecycle audit", wait=settings.lock_wait):
        settings = compared(settings=settings, console=console)
        return audit(settings=settings, console=console)


def compared(*, settings: Settings, console: Console) -> Settings:
    """Take the newest whole build to compare with where the live one is damaged, and say so."""
    live = live_build(publish_dir=settings.publish_dir)
    damage = damage_of(build=live) if live else None
    if not damage:
        return settings
    builds = kept_builds(publish_dir=settings.publish_dir)
    whole = next((build for build in builds if not damage_of(build=build)), None)
    other = f"{whole.name} is compared with" if whole else "nothing is compared with it"
    say(console, f"Warning: {damage} It is live; {other}.")
    return replace(settings, compared_with=whole)


def damage_of(*, build: Path) -> str | None:
    """Say what is wrong with the files of a build."""
    try:
        check_files(build=build)
    except (PublishError, OSError) as error:
        return str(error)
    return None


def check_suites(*, settings: Settings) -> None:
    """Read the suites before a build that would be audited in vain. Raises SettingsError."""
    suites = suites_of(settings=settings)
    if suites:
        # here and not above: it takes seconds, which --help need not wait for
        from python_helpers.audit.engine import check_expectations

        check_expectations(suites=suites)


def suites_of(*, settings: Settings) -> list[Suite]:
    """Read what is to be asked: nothing, where the audit is skipped. Raises SettingsError."""
    return [] if settings.skip_audit else read_suites(project_dir=settings.project_dir)


def audit(*, settings: Settings, console: Console) -> Audit:
    """Ask every expectation of the warehouse as it is; returns what was found.

    Raises AuditError where that blocks, and SettingsError where a suite cannot be
    understood. Its page is written in any case.
    """
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
    else:
        say(console, f"Warning: nothing was audited: {settings.project_dir / FOLDER} has no suite.")
    return audited


def asked(*, settings: Settings) -> Audit:
    """Ask, unless the audit is skipped or there is nothing to ask."""
    before = settings.compared_with
    if before == settings.publish_dir:
        before = live_build(publish_dir=settings.publish_dir)
    nothing = Audit(
        is_skipped=settings.skip_audit,
        compared_with=None,
        not_compared=None,
        findings=(),
        page=settings.target_path / AUDIT_PAGE,
    )
    suites = suites_of(settings=settings)
    if not suites:
        return nothing
    # here and not above: it takes seconds, which --help need not wait for
    from python_helpers.audit.engine import findings_of

    not_compared, findings = findings_of(suites=suites, settings=settings, before=before)
    return replace(
        nothing,
        compared_with=before.name if before and not not_compared else None,
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
