"""Writes a build beside the others and makes it the live one, or leaves nothing behind."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.disk import close_to_others, sha256
from python_helpers.core.errors import AuditError, PublishError
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


@contextmanager
def said_why(*, option: str) -> Iterator[None]:
    """Raise PublishError for what a disk or DuckDB refuses; the option chooses another folder."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        advice = f" Choose another folder with {option}." if isinstance(error, OSError) else ""
        raise PublishError(explained(message=str(error)) + advice) from error


@contextmanager
def begun_build(*, run: Run, option: str, links: Iterable[str] = LINKS) -> Iterator[Path]:
    """Give the hidden folder of a new build; what earlier runs left is removed before.

    A failure removes the folder. One of the audit does not: until the next run, people can look at
    what was refused. Raises PublishError.
    """
    publish_dir = run.publish_dir
    check_links(publish_dir=publish_dir, links=links)
    try:
        with said_why(option=option):
            remove_leftovers(publish_dir=publish_dir)
            # an older version left them open to every user of the machine
            close_to_others(
                publish_dir / BUILDS, *publish_dir.glob("*.jsonl"), publish_dir / FOLDER_LOCK
            )
            folder = start_build(publish_dir=publish_dir, build_id=run.id)
        yield folder
    except Exception as error:
        if not isinstance(error, AuditError):
            with suppress(OSError):
                remove_leftovers(publish_dir=publish_dir)
        raise


def facts_of_file(path: Path, /) -> dict[str, object]:
    """Return what a manifest says of a file. Raises OSError."""
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def write_build(
    *,
    run: Run,
    folder: Path,
    write: Callable[[Path], dict[str, Any]],
    outcome: str,
    keep: int,
    option: str,
    links: Iterable[str] = LINKS,
    go_live: Callable[..., None] | None = None,
) -> Path:
    """Make a folder that `write` completes the live build, and record the run; returns the folder.

    `write` returns the manifest, with the files whose facts it knows. `option` chooses another
    folder. Raises PublishError, and then the previous build is still live.
    """
    publish_dir = run.publish_dir
    with said_why(option=option):
        started = time.monotonic()
        manifest = write(folder)
        shutil.rmtree(folder / SPILL, ignore_errors=True)
        known = manifest.pop("files", {})
        manifest["files"] = {
            path.name: known.get(path.name) or facts_of_file(path)
            for path in sorted(folder.iterdir())
        }
        seconds = run.seconds | {str(run.phase_now): round(time.monotonic() - started, 1)}
        manifest["seconds"] = seconds
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        build = finish_build(folder=folder, build_id=run.id)
        with run.deciding:
            (go_live or make_live)(build=build, publish_dir=publish_dir, links=links)
            # the disk may be too full for a record, and the build is live all the same
            with suppress(OSError):
                run.record(outcome=outcome, seconds=seconds, **facts_of(build=build))
    # it is live: an old build that cannot be removed now is removed next time
    with suppress(OSError):
        remove_old_builds(publish_dir=publish_dir, keep=keep)
    return build
