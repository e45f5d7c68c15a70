"""A run that writes to a folder of published builds: its id, its phases and its outcome."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from python_helpers.core.disk import stamp
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import project_version
from python_helpers.core.locks import Lock, locked, publish_lock
from python_helpers.core.log import Log
from python_helpers.publishing.builds import live_build, new_build_id, read_manifest
from python_helpers.publishing.records import append_record, read_records

EXPORT = "lifecycle export"
DIED = "The process {pid} on {host} died: it was killed, or the machine stopped."


@dataclass(kw_only=True)
class Run:
    """One run, from its lock to its record."""

    id: str
    command: str
    publish_dir: Path
    lock: Lock
    log: Log
    facts: dict[str, object]
    """What the record holds beside id, outcome and times."""
    started_at: datetime
    phase_now: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    deciding: threading.RLock = field(default_factory=threading.RLock)
    """Held while a build goes live, so that the run is not stopped before its record is written."""
    is_recorded: bool = False

    @contextmanager
    def phase(self, name: str, /) -> Iterator[None]:
        """Time a phase, log its start and its end, and note it in the lock."""
        self.phase_now = name
        self.lock.note(phase=name)
        self.log.write(phase=name, event="started")
        started = time.monotonic()
        event, message = "finished", None
        try:
            yield
        except BaseException as error:
            event, message = "failed", str(error)
            raise
        finally:
            seconds = round(time.monotonic() - started, 3)
            self.seconds[name] = round(seconds, 1)
            self.log.write(phase=name, event=event, seconds=seconds, message=message)

    def record(
        self, *, outcome: str, error: str | None = None, exit_code: int = 0, **facts: object
    ) -> dict[str, object]:
        """Write the record of the run, once; returns it."""
        record: dict[str, Any] = self.facts | {
            "id": self.id,
            "command": self.command,
            "outcome": outcome,
            "phase": self.phase_now if error else None,
            "error": error and self.log.cause(error),
            "exit_code": exit_code,
            "started_at": stamp(self.started_at),
            "ended_at": stamp(datetime.now(UTC)),
            "seconds": self.seconds,
            **facts,
        }
        if not self.is_recorded:
            self.is_recorded = True
            append_record(publish_dir=self.publish_dir, record=record)
            self.log.write(event=f"run {outcome}", phase=record["phase"], message=error)
        return record


@contextmanager
def recorded_run(
    *, publish_dir: Path, command: str, log: Log, wait: float = 0, **facts: object
) -> Iterator[Run]:
    """Hold the lock of the folder for a run, and record the run if it fails.

    A run that died before it is recorded first. Raises LockedError.
    """
    path = publish_lock(publish_dir=publish_dir)
    take_over = partial(record_the_dead, publish_dir=publish_dir, log=log)
    with locked(path, command=command, wait=wait, take_over=take_over) as lock:
        started_at = datetime.now(UTC)
        ids = [record["id"] for record in read_records(publish_dir=publish_dir)]
        run = Run(
            id=new_build_id(publish_dir=publish_dir, time=started_at, taken=ids),
            command=command,
            publish_dir=publish_dir,
            lock=lock,
            log=log,
            facts=facts,
            started_at=started_at,
        )
        lock.note(run_id=run.id)
        outer_run, log.run_id = log.run_id, run.id
        try:
            yield run
        except Exception as error:
            with run.deciding, suppress(OSError):
                vars(error)["record"] = run.record(
                    outcome=getattr(error, "outcome", "failed"),
                    error=str(error),
                    exit_code=getattr(error, "exit_code", 1),
                )
            raise
        finally:
            log.run_id = outer_run


def record_the_dead(left_behind: dict[str, Any], /, *, publish_dir: Path, log: Log) -> None:
    """Record a run that died while it held the lock."""
    run_id, command, phase = (left_behind.get(name) for name in ("run_id", "command", "phase"))
    if not run_id or any(each["id"] == run_id for each in read_records(publish_dir=publish_dir)):
        return
    error = DIED.format(**{"pid": "?", "host": "?"} | left_behind)
    known = {"id": run_id, "command": command, "phase": phase, "error": error, "outcome": "failed"}
    live = live_build(publish_dir=publish_dir)
    with suppress(OSError, PublishError):
        if live and live.name == run_id:
            known["outcome"] = "exported" if command == EXPORT else "published"
            known["build_id"] = read_manifest(build=live).get("build_id")
        since = left_behind.get("since")
        append_record(publish_dir=publish_dir, record=known | {"started_at": since})
        log.write(run_id=run_id, event="run died", phase=phase, message=error)


def facts_of(*, build: Path) -> dict[str, Any]:
    """Return the facts that the manifest of a build shares with a record."""
    manifest = read_manifest(build=build)
    common = ("as_of_date", "code_version", "raw_input", "raw_data_dir", "input_files", "rows")
    return {name: manifest.get(name) for name in ("build_id", *common)}


def code_version(*, project_dir: Path) -> str:
    """Name the commit of the project, marked as dirty where files differ; else its version."""
    command = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    with suppress(OSError, subprocess.SubprocessError):
        git = ["git", "-C", str(project_dir), *command]
        return subprocess.check_output(
            git, stderr=subprocess.DEVNULL, text=True, timeout=10
        ).strip()
    return project_version(project_dir)
