"""Writes kept builds anew, while readers go on reading: one link always leads to a whole build.

A folder cannot be replaced by another one in one step. So the new folder gets a name of its own
first, `<build id>~`; the link is turned to it; then the old folder goes, the new one gets its name,
and the link is turned back. Wherever that ends, `settle_builds` goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.publishing.builds import (
    BUILDS,
    CURRENT,
    INCOMPLETE,
    MANIFEST,
    PublishError,
    check_files,
    finish_build,
    keep_owner,
    keep_owners,
    kept_builds,
    live_build,
    read_manifest,
    remove_leftovers,
    sha256,
    stray_files,
    sync,
    time_of,
)

REPLACEMENT = "~"
"""End of the name of a folder that takes the place of the one without it."""
BUILD_ID = re.compile(r"\d{8}T\d{6}Z~?")
REWRITTEN_AT = "rewritten_at"
GRACE = 1.0
"""Seconds for which a folder stays after the link was turned away: a reader that has followed it
opens its file meanwhile."""

Rewrite = Callable[[Path, Path], bool]
"""Writes a file to another one without the people in it; False where there was nothing to do."""


def whole_builds(*, publish_dir: Path) -> list[Path]:
    """List the kept builds that are what was published, whatever somebody put beside it."""
    whole = []
    for build in kept_builds(publish_dir=publish_dir):
        with suppress(PublishError):
            check_files(build=build, allow_strays=True)
            whole.append(build)
    return whole


def erase_in_builds(
    *,
    publish_dir: Path,
    rewrite: Rewrite,
    cleaned: Callable[[str], str],
    whole: Collection[Path],
) -> list[str]:
    """Write every kept build anew that has one of the people; returns their ids.

    One that is not whole cannot be returned to and is removed. Raises PublishError where that is
    the live one.
    """
    remove_leftovers(publish_dir=publish_dir)
    rewritten = []
    for folder in sorted((publish_dir / BUILDS).glob("[!.]*")):
        # nothing says what is in it, so nobody can return to it
        is_ours = folder.is_dir() and BUILD_ID.fullmatch(folder.name) and time_of(folder.name)
        if is_ours and not (folder / MANIFEST).exists():
            if folder == live_folder(publish_dir=publish_dir):
                raise PublishError(f"The live build {folder.name} has lost its manifest.")
            remove(folder)
            rewritten.append(folder.name)
    for build in kept_builds(publish_dir=publish_dir):
        if build not in whole:
            if build == live_build(publish_dir=publish_dir):
                check_files(build=build, allow_strays=True)  # says what is wrong
            remove(build)
            rewritten.append(build.name)
            continue
        strays = [build / name for name in stray_files(build=build)]
        links = {path: path.readlink() for path in strays if path.is_symlink()}
        modes = {path: path.stat().st_mode & 0o777 for path in strays if path not in links}
        if written_anew(build=build, rewrite=rewrite, cleaned=cleaned, strays=list(modes)):
            settle_builds(publish_dir=publish_dir)
            for path, mode in modes.items():
                path.chmod(mode)
            for path, target in links.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
            rewritten.append(build.name)
    return rewritten


def live_folder(*, publish_dir: Path) -> Path | None:
    """Return where the link leads, whatever is left there."""
    link = publish_dir / CURRENT
    return publish_dir / link.readlink() if link.is_symlink() else None


def written_anew(
    *, build: Path, rewrite: Rewrite, cleaned: Callable[[str], str], strays: Collection[Path]
) -> bool:
    """Write a build to a folder beside it; False where it has none of the people.

    What is not ours in it is copied as it is.
    """
    folder = build.with_name(f"{INCOMPLETE}{build.name}{REPLACEMENT}")
    manifest = read_manifest(build=build)
    audit = manifest.get("audit") or {}
    warnings = [cleaned(line) for line in audit.get("warnings", ())]
    folder.mkdir()
    is_changed = warnings != audit.get("warnings", [])
    for name in manifest["files"]:
        to = folder / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if rewrite(build / name, to):
            is_changed = True
        else:
            shutil.copyfile(build / name, to)
    if not is_changed:
        shutil.rmtree(folder)
        return False
    for stray in strays:
        to = folder / stray.relative_to(build)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(stray, to)
    if warnings:
        audit["warnings"] = warnings
    manifest[REWRITTEN_AT] = datetime.now(UTC).isoformat(timespec="seconds")
    manifest["files"] = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in manifest["files"]
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    keep_owners(of=build, to=folder)
    finish_build(folder=folder, build_id=f"{build.name}{REPLACEMENT}")
    return True


def settle_builds(*, publish_dir: Path) -> None:
    """Let each folder that replaces another one take its place; the caller holds the lock."""
    for folder in (publish_dir / BUILDS).glob(f"[!.]*{REPLACEMENT}"):
        build = folder.with_name(folder.name.removesuffix(REPLACEMENT))
        if live_build(publish_dir=publish_dir) not in (folder, build):
            remove(build)
            folder.rename(build)
            sync(path=build.parent)
            continue
        turn(publish_dir=publish_dir, to=folder)
        remove(build)
        link_files(folder=folder, to=build)
        turn(publish_dir=publish_dir, to=build)
        remove(folder)


def turn(*, publish_dir: Path, to: Path) -> None:
    """Turn the link, and let who has followed the old one arrive."""
    if live_build(publish_dir=publish_dir) != to:
        link = publish_dir / f"{INCOMPLETE}{CURRENT}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(BUILDS, to.name))
        keep_owner(of=publish_dir / CURRENT, to=link)
        link.replace(publish_dir / CURRENT)
        sync(path=publish_dir)
        time.sleep(GRACE)


def link_files(*, folder: Path, to: Path) -> None:
    """Give a folder's files a second name, in a folder that appears in one step."""
    new = to.with_name(f"{INCOMPLETE}{to.name}")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(folder, new, copy_function=link_or_copy)
    keep_owners(of=folder, to=new)
    finish_build(folder=new, build_id=to.name)


def link_or_copy(source: str, target: str) -> None:
    """Give a file a second name, or copy it where the disk cannot do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def remove(folder: Path, /) -> None:
    """Remove a build: first out of sight, since a removal that is killed leaves half of it."""
    if folder.exists():
        hidden = folder.with_name(f"{INCOMPLETE}removed-{folder.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        shutil.rmtree(folder.rename(hidden))
