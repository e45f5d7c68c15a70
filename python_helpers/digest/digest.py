"""Makes the digest of a build: what is news since the build before it."""

from dataclasses import dataclass
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.digest.facts import Facts, read_facts
from python_helpers.digest.sections import Section, sections_of
from python_helpers.publishing.builds import kept_builds, live_build


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What moved, and in which build."""

    build: Facts
    before: Facts | None
    """The build it is compared with."""
    is_live: bool
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    """What is compared with what; of a quiet digest, the one line there is."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is news."""
        return not self.sections


def make_digest(
    *,
    publish_dir: Path,
    build_id: str | None = None,
    has_accounts: bool = False,
    is_full: bool = False,
) -> Digest:
    """Compare a build, the live one if none is named, with the one before it.

    A section that says what the build before said is left out, unless it is full. Raises
    PublishError where the build is missing or damaged.
    """
    build = read_facts(publish_dir=publish_dir, build_id=build_id, has_accounts=has_accounts)
    live = live_build(publish_dir=publish_dir)
    before, damaged = build_before(build, publish_dir=publish_dir)
    known = {}
    if before:
        known = {each.name: each.news for each in sections_of(before, before=None)}
    sections = tuple(
        each
        for each in sections_of(build, before=before)
        if is_full or each.name not in known or each.news != known[each.name]
    )
    is_live = bool(live and live.name == build.build_id)
    called = f"{'Live build' if is_live else 'Build'} {said_of(build)}"
    if not before:
        compared = damaged or "it is the first one kept, so there is nothing to compare with"
        notes = [f"{called}; {compared}."]
    elif sections:
        notes = [f"{called}, compared with build {said_of(before)}."]
        if before.warnings is None:
            notes.append("That build did not record its warnings, so none are compared.")
    else:
        notes = [f"{called}: nothing changed beyond chance since build {said_of(before)}."]
    return Digest(
        build=build, before=before, is_live=is_live, sections=sections, notes=tuple(notes)
    )


def said_of(facts: Facts, /) -> str:
    """Name a build with its as-of date."""
    return f"{facts.build_id} (as of {facts.manifest.get('as_of_date')})"


def build_before(build: Facts, /, *, publish_dir: Path) -> tuple[Facts | None, str | None]:
    """Read the build that one was compared with, else the newest whole one before it.

    Where there is none, returns the reason, unless this is the first build.
    """
    older = [
        each.name for each in kept_builds(publish_dir=publish_dir) if each.name < build.build_id
    ]
    audit = build.manifest.get("audit") or {}
    compared_with = audit.get("compared_with")
    # one of another input or currency says nothing of this one
    if older and audit.get("not_compared"):
        return None, f"it is not compared: {audit['not_compared']}"
    older.sort(key=lambda each: each == compared_with, reverse=True)
    problem = None
    for build_id in older:
        try:
            return read_facts(publish_dir=publish_dir, build_id=build_id), None
        except PublishError as error:
            problem = problem or f"it is not compared: {str(error).rstrip('.')}"
    return None, problem
