"""The folder that readers open: builds side by side, and one link that says which is live.

    PUBLISH_DIR/current        -> builds/<build_id>      the only link that ever changes
    PUBLISH_DIR/marts.duckdb   -> current/marts.duckdb
    PUBLISH_DIR/manifest.json  -> current/manifest.json

So the database and its manifest switch in one instant. Links are relative, so the folder can be
moved. The files of a build are never written again, so a reader that opened them keeps that build
for as long as it likes.
"""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from python_helpers.core.disk import sha256, sync
from python_helpers.core.errors import PublishError
from python_helpers.core.log import some_of
from python_helpers.publishing.records import read_records

BUILDS = "builds"
CURRENT = "current"
DATABASE = "marts.duckdb"
MANIFEST = "manifest.json"
REPORT = "report.html"
LINKS = (DATABASE, MANIFEST)  # from the folder into the live build
WRITE_AHEAD = re.compile(rf"{DATABASE}\.(\w+\.)*wal\b")  # DuckDB applies it to what readers see
INCOMPLETE = ".incomplete-"
REMOVED = "-removed"
MOST_STRAYS = 3  # further ones are only counted
READ_ONLY = 0o440  # for the owner, and for the group where the umask lets it read
ID_FORMAT = "%Y%m%dT%H%M%SZ"


def live_build(*, publish_dir: Path) -> Path | None:
    """Find the folder of the live build, without a link in its path; None if nothing is live."""
    link = publish_dir / CURRENT
    if not link.is_symlink() or not (link / MANIFEST).is_file():
        return None
    return publish_dir / link.readlink()


def kept_builds(*, publish_dir: Path) -> list[Path]:
    """List the folders of the complete builds, newest first."""
    found = (path.parent for path in (publish_dir / BUILDS).glob(f"*/{MANIFEST}"))
    builds = (path for path in found if path.name[0] != "." and time_of(path.name))
    return sorted(builds, reverse=True)


def find_build(*, publish_dir: Path, build_id: str | None) -> Path:
    """Find the named build, else the live one. Raises PublishError."""
    if build_id is None:
        live = live_build(publish_dir=publish_dir)
        if live:
            return live
        raise PublishError(f"Nothing is published in {publish_dir}: run refresh first.")
    builds = {build.name: build for build in kept_builds(publish_dir=publish_dir)}
    if build_id not in builds:
        names = ", ".join(builds) or "none"
        raise PublishError(f"There is no build {build_id} in {publish_dir}. Kept builds: {names}.")
    return builds[build_id]


def read_manifest(*, build: Path) -> dict[str, Any]:
    """Read the manifest of a build. Raises PublishError where it is damaged."""
    try:
        manifest: dict[str, Any] = json.loads((build / MANIFEST).read_text())
        for file in manifest["files"].values():
            _ = int(file["bytes"]), file["sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(f"The manifest of build {build.name} is damaged.") from error
    return manifest


def new_build_id(*, publish_dir: Path, time: datetime, taken: Iterable[str] = ()) -> str:
    """Make an id of a UTC time that sorts after those of all builds, and after those in `taken`.

    Where the clock went back, or stood still, it is the second after the last id.
    """
    folders = [path.name for path in (publish_dir / BUILDS).glob("*")]
    times = [time.replace(microsecond=0)]
    for known in (*folders, *taken):
        last = time_of(known)
        if last:
            times.append(last + timedelta(seconds=1))
    return max(times).strftime(ID_FORMAT)


def time_of(name: str, /) -> datetime | None:
    """Read the time in the name of a build; None where there is none, as in 20261399T000000Z."""
    found = re.search(r"\d{8}T\d{6}Z", name)
    with suppress(ValueError):
        return datetime.strptime(found[0], ID_FORMAT).replace(tzinfo=UTC) if found else None
    return None


def start_build(*, publish_dir: Path, build_id: str) -> Path:
    """Make a hidden folder beside the builds, for a build in the making."""
    folder = publish_dir / BUILDS / f"{INCOMPLETE}{build_id}"
    folder.mkdir(parents=True)
    return folder


def finish_build(*, folder: Path, build_id: str) -> Path:
    """Make the files read-only, wait until they are on disk, and give the folder its name."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(path.stat().st_mode & READ_ONLY)
        sync(path=path)
    sync(path=folder)
    finished = folder.rename(folder.with_name(build_id))
    sync(path=finished.parent)
    return finished


def check_links(*, publish_dir: Path, links: Iterable[str] = LINKS) -> None:
    """Raise PublishError where a file is in the way of a link, before any work is done."""
    for name in (CURRENT, *links):
        link = publish_dir / name
        is_other = name != CURRENT and link.is_symlink() and link.readlink() != Path(CURRENT, name)
        if is_other or (link.exists() and not link.is_symlink()):
            raise PublishError(f"{link} was not made by publishing. Move it away, then run again.")
    if DATABASE not in links:
        return
    # up to 1.4, DuckDB looks for one beside the link
    for path in filter(lambda each: WRITE_AHEAD.match(each.name), publish_dir.glob("*")):
        raise PublishError(
            f"{path} was not made by publishing, and changes what readers see. Move it away, then "
            "run again."
        )


def make_live(*, build: Path, publish_dir: Path, links: Iterable[str] = LINKS) -> None:
    """Show readers this build from now on. Raises PublishError where a file is in the way."""
    check_links(publish_dir=publish_dir, links=links)
    for name in links:
        if not (publish_dir / name).is_symlink():
            (publish_dir / name).symlink_to(Path(CURRENT, name))
    new_link = publish_dir / f"{INCOMPLETE}{CURRENT}"
    new_link.symlink_to(Path(BUILDS, build.name))
    # a rename replaces the link in one step: no reader finds it missing
    new_link.replace(publish_dir / CURRENT)
    sync(path=publish_dir)


def was_published(*, publish_dir: Path) -> bool:
    """Tell whether anything was ever published here, even if none of it is left."""
    folders = (publish_dir / BUILDS).glob("[!.]*")
    return (
        (publish_dir / CURRENT).is_symlink()
        or any(time_of(path.name) for path in folders)
        or any(each["outcome"] == "published" for each in read_records(publish_dir=publish_dir))
    )


def strays(*, publish_dir: Path) -> list[str]:
    """List what lies beside published files and was not published: spills of readers, notes.

    It changes nothing, but for a write-ahead log, which makes its build a damaged one.
    """
    found = [path.name for path in publish_dir.glob(f"{DATABASE}.*")]
    for build in kept_builds(publish_dir=publish_dir):
        # a build may be removed meanwhile, and nobody knows what belongs to a damaged one
        with suppress(PublishError, OSError):
            own = {MANIFEST, *read_manifest(build=build)["files"]}
            if DATABASE in own:
                beside = {path.name for path in build.iterdir()} - own
                found += [str(Path(BUILDS, build.name, name)) for name in beside]
    return sorted(found)


def said_of_strays(found: Sequence[str], /) -> str:
    """Say what lies beside published files, and what to do."""
    return (
        f"Beside published files, and not published: {some_of(found, most=MOST_STRAYS)}. "
        "Move them away. Readers need not spill there: docs/bi.md."
    )


def check_files(*, build: Path) -> None:
    """Check that the files of a build are those it was published with. Raises PublishError.

    What somebody else put beside them is no damage, unless it changes what readers see.
    """
    manifest = read_manifest(build=build)
    known = manifest["files"]
    beside = {path.name for path in build.iterdir()} - {*known}
    # only an export to a server has no files
    if DATABASE in beside or not (known or "postgres" in manifest):
        raise PublishError(f"The manifest of build {build.name} is damaged.")
    for name in sorted(beside):
        if WRITE_AHEAD.match(name):
            raise PublishError(f"Build {build.name} is damaged: {name} was not published with it.")
    for name, published in known.items():
        if not (build / name).is_file():
            raise PublishError(f"Build {build.name} is damaged: {name} is missing.")
        if sha256(build / name) != published["sha256"]:
            raise PublishError(
                f"Build {build.name} is damaged: {name} has changed since it was published."
            )


def remove_old_builds(*, publish_dir: Path, keep: int) -> None:
    """Remove all but the newest builds; the live one stays."""
    live = live_build(publish_dir=publish_dir)
    for build in kept_builds(publish_dir=publish_dir)[keep:]:
        if build != live:
            # hidden first: a removal that is killed must not leave half a build
            shutil.rmtree(build.rename(build.with_name(f"{INCOMPLETE}{build.name}")))


def remove_leftovers(*, publish_dir: Path) -> None:
    """Remove what a killed run left behind."""
    left = (folder.glob(f"{INCOMPLETE}*") for folder in (publish_dir, publish_dir / BUILDS))
    # those that were renamed first, because their names are needed
    for path in sorted((path for paths in left for path in paths), reverse=True):
        if path.is_symlink():
            path.unlink()
            continue
        # what a reader still spills there, or may not be removed, keeps nobody from publishing
        with suppress(OSError):
            # a thread may still write new files to it under its old name
            gone = path.with_name(f"{path.name.removesuffix(REMOVED)}{REMOVED}")
            shutil.rmtree(path.rename(gone))
