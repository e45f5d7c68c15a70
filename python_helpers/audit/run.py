"""The audit of a build, before anything is published.

It reads the warehouse and the last published build, and writes to neither. dbt's tests prove that a
build is right; the audit asks whether it is also plausible.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from python_helpers.audit.findings import FIRST_BUILD, NOTHING_WHOLE, Finding
from python_helpers.core.disk import closed_files
from python_helpers.core.errors import AuditError, PublishError, SettingsError
from python_helpers.core.folders import DATA_DOCS
from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.publishing.builds import (
    check_files,
    kept_builds,
    live_build,
    read_manifest,
    said_of_strays,
    strays,
    was_published,
)
from python_helpers.spark.publish import compared_in_spark

SAMPLE = "sample"  # the raw input that is nobody's data


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found."""

    is_skipped: bool
    compared_with: str | None = None
    """Id of the published build it was compared with."""
    not_compared: str | None = None
    """Why there was no comparison."""
    findings: tuple[Finding, ...] = ()
    page: Path | None = None
    """The first page of the Data Docs that show it."""

    def lines(self, outcome: str, /) -> list[str]:
        """List the lines of every finding with this outcome."""
        found = (finding for finding in self.findings if finding.outcome == outcome)
        return [line for finding in found for line in finding.lines]

    def counts(self) -> dict[str, int]:
        """Count the findings by outcome."""
        outcomes = [finding.outcome for finding in self.findings]
        return {name: outcomes.count(name) for name in ("passed", "warn", "block", "not asked")}

    def summary(self) -> str:
        """Say on one line how the audit went."""
        if self.is_skipped:
            return "The audit was skipped."
        counts = self.counts()
        line = f"Audited: {counts['passed']} expectations met, {counts['warn']} not met (warning)"
        line += f", {counts['block']} not met (blocked)" if counts["block"] else ""
        line += f", {counts['not asked']} not asked" if counts["not asked"] else ""
        if self.compared_with:
            return f"{line}; compared with {self.compared_with}."
        return f"{line}. {(self.not_compared or '').capitalize()}."

    def in_manifest(self) -> dict[str, object]:
        """Return what the manifest of a published build says about its audit."""
        return {
            "skipped": self.is_skipped,
            "compared_with": self.compared_with,
            "not_compared": self.not_compared,
            "expectations": self.counts(),
            "warnings": self.lines("warn"),
        }


def audit_alone(*, settings: Settings, log: Log) -> Audit:
    """Audit a warehouse under its lock. Raises what `audit` does, and LockedError.

    Its Data Docs are in the target folder: what is published is not locked.
    """
    if not settings.on_spark and not settings.warehouse.is_file():
        raise SettingsError(f"There is no warehouse {settings.warehouse}: run refresh first.")
    lock = warehouse_lock(warehouse=settings.warehouse)
    with locked(lock, command="lifecycle audit", wait=settings.lock_wait):
        # nobody said what the warehouse was built from
        settings = compared(settings=settings, log=log, is_any_like=True)
        if settings.on_spark:
            settings = compared_in_spark(settings)
        docs = settings.target_path / DATA_DOCS
        return audit(settings=settings, log=log, docs=docs, run_name="audit")


def compared(*, settings: Settings, log: Log, is_any_like: bool = False) -> Settings:
    """Choose the build to compare with: the live one, or the newest that is whole and like this.

    What is damaged is warned of, and so is what lies beside published files. With `is_any_like`,
    the live one is taken whenever it is whole.
    """
    publish_dir = settings.publish_dir
    if beside := strays(publish_dir=publish_dir):
        log.warn(said_of_strays(beside))
    if not was_published(publish_dir=publish_dir):
        return settings
    live = live_build(publish_dir=publish_dir)
    builds = [build for build in kept_builds(publish_dir=publish_dir) if build != live]
    if live:
        try:
            check_files(build=live)
            builds.insert(0, live)
        except (PublishError, OSError) as error:
            log.warn(f"{error} It is live; comparing with the newest whole build.")
    if not is_any_like:
        builds.sort(key=lambda each: not is_like(each, settings=settings))
    for build in builds:
        if build == live:
            return settings
        with suppress(PublishError, OSError):
            check_files(build=build)
            return replace(settings, compared_with=build)
    return replace(settings, compared_with=None)


def is_like(build: Path, /, *, settings: Settings) -> bool:
    """Tell whether a comparison with a build would mean something, as far as is known so far.

    `create_run` decides once this build is there.
    """
    try:
        before = read_manifest(build=build)
    except PublishError:
        return False
    asked_for = settings.reporting_currency or before.get("reporting_currency")
    return (
        (before.get("raw_input") == SAMPLE) == (settings.raw_input == SAMPLE)
        and before.get("reporting_currency") == asked_for
        and before.get("activity_window") == settings.activity_window
        and str(before.get("as_of_date")) <= (settings.as_of or "9999-12-31")
    )


def check_suites(*, settings: Settings) -> None:
    """Check the suites before a build that would be audited in vain. Raises SettingsError."""
    from python_helpers.audit.expectations import read_suites

    if not settings.skip_audit:
        read_suites(project_dir=settings.project_dir)


def audit(*, settings: Settings, log: Log, docs: Path, run_name: str) -> Audit:
    """Ask every expectation of the warehouse as it is; returns what was found.

    The Data Docs in the folder `docs` show it under the name of the run, also if it blocks. Raises
    AuditError where an expectation blocks, and SettingsError where a suite is invalid.
    """
    audited = asked(settings=settings, docs=docs, run_name=run_name)
    for line in audited.lines("warn"):
        log.warn(line)
    blocked = audited.lines("block")
    if audited.not_compared == NOTHING_WHOLE:
        blocked.insert(0, f"{NOTHING_WHOLE.capitalize()}. Restore one of them from a backup.")
    elif audited.not_compared not in (None, FIRST_BUILD):
        log.warn(f"Not compared with what is published: {audited.not_compared}.")
    if blocked:
        override = "If the build is right all the same, publish it once with refresh --skip-audit."
        page = f"The whole audit: {audited.page}"
        raise AuditError("\n".join(["The audit blocked the build.", *blocked, override, page]))
    if audited.findings or audited.is_skipped:
        log.say(audited.summary())
    else:
        log.warn(f"nothing was audited: {settings.project_dir} has no suite in tests/expectations.")
    return audited


def asked(*, settings: Settings, docs: Path, run_name: str) -> Audit:
    """Ask, unless the audit is skipped or there is nothing to ask."""
    nothing = Audit(is_skipped=settings.skip_audit)
    if settings.skip_audit:
        return nothing
    from python_helpers.audit.expectations import read_suites

    suites = read_suites(project_dir=settings.project_dir)
    if not suites:
        return nothing
    # here and not above: it takes seconds, which --help need not wait for
    from python_helpers.audit.engine import findings_of

    before = settings.compared_with
    if before == settings.publish_dir:
        before = live_build(publish_dir=settings.publish_dir)
    with closed_files():
        not_compared, findings = findings_of(
            suites=suites, settings=settings, before=before, docs=docs, run_name=run_name
        )
    return replace(
        nothing,
        compared_with=before.name if before and not not_compared else None,
        not_compared=not_compared,
        findings=findings,
        page=docs / "index.html",
    )
