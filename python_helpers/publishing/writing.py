"""Writes a build beside the others and makes it the live one, or leaves nothing behind."""

import json
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.disk import close_to_others, sha256
from python_helpers.core.errors import PublishError
from python_helpers.core.locks import FOLDER_LOCK
from python_helpers.publishing.builds import (
    BUILDS,
    LINKS,
    MANIFEST,
    check_links,
    finish_build,
    make_live,
    remove_leftovers,
    remove_old_builds,
    start_build,
)
from python_helpers.publishing.runs import Run, facts_of
from python_helpers.warehouse.problems import explained

SPILL = "spill"  # what does not fit into memory while marts are copied


def write_build(
    *,
    run: Run,
    write: Callable[[Path], dict[str, Any]],
    outcome: str,
    keep: int,
    option: str,
    links: Iterable[str] = LINKS,
) -> Path:
    """Make a folder that `write` fills the live build, and record the run; returns the folder.

    `write` returns the manifest, without files and seconds. `option` chooses another folder. Raises
    PublishError, and then the previous build is still live.
    """
    publish_dir = run.publish_dir
    try:
        check_links(publish_dir=publish_dir, links=links)
        remove_leftovers(publish_dir=publish_dir)
        # an older version left them open to every user of the machine
        close_to_others(
            publish_dir / BUILDS, *publish_dir.glob("*.jsonl"), publish_dir / FOLDER_LOCK
        )
        folder = start_build(publish_dir=publish_dir, build_id=run.id)
        started = time.monotonic()
        manifest = write(folder)
        shutil.rmtree(folder / SPILL, ignore_errors=True)
        manifest["files"] = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(folder.iterdir())
        }
        seconds = run.seconds | {str(run.phase_now): round(time.monotonic() - started, 1)}
        manifest["seconds"] = seconds
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        build = finish_build(folder=folder, build_id=run.id)
        with run.deciding:
            make_live(build=build, publish_dir=publish_dir, links=links)
            # the disk may be too full for a record, and the build is live all the same
            with suppress(OSError):
                run.record(outcome=outcome, seconds=seconds, **facts_of(build=build))
    except (OSError, duckdb.Error, PublishError) as error:
        with suppress(OSError):
            remove_leftovers(publish_dir=publish_dir)
        if isinstance(error, PublishError):
            raise
        advice = f" Choose another folder with {option}." if isinstance(error, OSError) else ""
        raise PublishError(explained(message=str(error)) + advice) from error
    # it is live: an old build that cannot be removed now is removed next time
    with suppress(OSError):
        remove_old_builds(publish_dir=publish_dir, keep=keep)
    return build
