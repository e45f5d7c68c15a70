"""Writes kept builds anew, while readers go on reading: one link always leads to a whole build.

A folder cannot be replaced by another one in one step. So the new folder gets a name of its own
first, `<build id>~`; the link is turned to it; then the old folder goes, the new one gets its name,
and the link is turned back. Wherever that ends, `settle_builds` goes on from there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.disk import keep_owners, sha256
from python_helpers.core.errors import PublishError
from python_helpers.publishing.builds import (
    BUILDS,
    CURRENT,
    INCOMPLETE,
    MANIFEST,
    check_files,
    finish_build,
    kept_builds,
    live_build,
    read_manifest,
    remove_leftovers,
    stray_files,
    time_of,
)
from python_helpers.publishing.swap import REPLACEMENT, remove_build, settle_builds

"""End of the name of a folder that takes the place of the one without it."""
BUILD_ID = re.compile(r"\d{8}T\d{6}Z~?")
REWRITTEN_AT = "rewritten_at"
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
            remove_build(folder)
            rewritten.append(folder.name)
    for build in kept_builds(publish_dir=publish_dir):
        if build not in whole:
            if build == live_build(publish_dir=publish_dir):
                check_files(build=build, allow_strays=True)  # says what is wrong
            remove_build(build)
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
