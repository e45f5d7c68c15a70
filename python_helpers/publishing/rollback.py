"""Makes an earlier build the live one again."""

from collections.abc import Callable
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.core.log import Log
from python_helpers.publishing.builds import (
    check_files,
    find_build,
    kept_builds,
    live_build,
    make_live,
    remove_leftovers,
)
from python_helpers.publishing.records import read_records
from python_helpers.publishing.runs import facts_of, recorded_run

ROLLED_BACK = "rolled_back"


def roll_back(
    *,
    publish_dir: Path,
    to: str | None = None,
    log: Log,
    wait: float = 0,
    go_live: Callable[..., None] | None = None,
) -> tuple[Path, Path | None]:
    """Make a build live, by default the previous one; returns it and the one that was live.

    Raises PublishError where it is missing or damaged, and LockedError.
    """
    if not publish_dir.is_dir():
        raise PublishError(f"Nothing is published in {publish_dir}: run refresh first.")
    with recorded_run(
        publish_dir=publish_dir, command="lifecycle rollback", log=log, wait=wait
    ) as run:
        live = live_build(publish_dir=publish_dir)
        with run.phase("rollback"):
            build = chosen_build(publish_dir=publish_dir, live=live, to=to)
            check_files(build=build)
            facts = facts_of(build=build)
            remove_leftovers(publish_dir=publish_dir)
            with run.deciding:
                (go_live or make_live)(build=build, publish_dir=publish_dir)
                run.record(outcome=ROLLED_BACK, replaced_build_id=live and live.name, **facts)
        return build, live


def chosen_build(*, publish_dir: Path, live: Path | None, to: str | None) -> Path:
    """Find the named build, else the newest one before the live one that was not taken back."""
    if to:
        build = find_build(publish_dir=publish_dir, build_id=to)
        if build == live:
            raise PublishError(f"Build {to} is live already.")
        return build
    builds = kept_builds(publish_dir=publish_dir)
    names = ", ".join(build.name for build in builds) or "none"
    if not live:
        raise PublishError(f"No build is live in {publish_dir}. Choose one with --to ({names}).")
    taken_back = set()
    for record in read_records(publish_dir=publish_dir):
        if record["outcome"] == ROLLED_BACK:
            chosen, replaced = str(record["build_id"]), str(record["replaced_build_id"])
            taken_back.discard(chosen)  # it was made live again
            taken_back |= {replaced} if replaced > chosen else set()
    for build in builds:
        if build.name < live.name and build.name not in taken_back:
            return build
    raise PublishError(f"There is no build before {live.name}. Kept builds: {names}.")
