"""Puts a rewritten build in the place of a kept one, while readers go on reading.

A folder cannot replace another one in one step. So the new folder is called `<build id>~` first,
and the live link is turned to it; then the old folder goes, a folder with its name takes over the
files, and the link is turned back. `settle_builds` continues from wherever that was interrupted.
"""

import os
import shutil
import time
from pathlib import Path

from python_helpers.core.disk import keep_owner, keep_owners, sync
from python_helpers.publishing.builds import (
    BUILDS,
    CURRENT,
    INCOMPLETE,
    finish_build,
    live_build,
)

REPLACEMENT = "~"
"""Ends the name of a folder that replaces the build without it."""
GRACE = 1.0
"""Seconds for which a folder stays after the link has moved on: a reader that followed the link
opens its file in that time."""


def settle_builds(*, publish_dir: Path) -> None:
    """Finish every replacement of a build; the caller holds the lock of the folder."""
    for folder in (publish_dir / BUILDS).glob(f"[!.]*{REPLACEMENT}"):
        build = folder.with_name(folder.name.removesuffix(REPLACEMENT))
        if live_build(publish_dir=publish_dir) not in (folder, build):
            remove_build(build)
            folder.rename(build)
            sync(path=build.parent)
            continue
        turn(publish_dir=publish_dir, to=folder)
        remove_build(build)
        link_files(folder=folder, to=build)
        turn(publish_dir=publish_dir, to=build)
        remove_build(folder)


def turn(*, publish_dir: Path, to: Path) -> None:
    """Turn the live link, then wait for readers that followed the old one to open their file."""
    if live_build(publish_dir=publish_dir) != to:
        link = publish_dir / f"{INCOMPLETE}{CURRENT}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(BUILDS, to.name))
        keep_owner(of=publish_dir / CURRENT, to=link)
        link.replace(publish_dir / CURRENT)
        sync(path=publish_dir)
        time.sleep(GRACE)


def link_files(*, folder: Path, to: Path) -> None:
    """Give the files of a folder a second name, in a folder that appears in one step."""
    new = to.with_name(f"{INCOMPLETE}{to.name}")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(folder, new, copy_function=link_or_copy)
    keep_owners(of=folder, to=new)
    finish_build(folder=new, build_id=to.name)


def link_or_copy(source: str, target: str) -> None:
    """Give a file a second name, or copy it where the disk has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def remove_build(folder: Path, /) -> None:
    """Remove a build. It is hidden first: a removal that is killed leaves half of it."""
    if folder.exists():
        hidden = folder.with_name(f"{INCOMPLETE}removed-{folder.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        shutil.rmtree(folder.rename(hidden))
