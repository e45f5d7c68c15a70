"""A run that writes to a folder of published builds: its id, its phases, what becomes of it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.core.locks import Lock, locked, publish_lock
from python_helpers.core.log import Log
from python_helpers.publishing.builds import live_build, new_build_id, read_manifest
from python_helpers.publishing.records import append_record, read_records

EXPORT = "lifecycle export"
DIED = "The process {pid} on {host} ended without a word: killed, or the machine stopped."


@dataclass(kw_only=True)
class Run:
    """One run, from its lock to its record."""

    id: str
    command: str
    publish_dir: Path
    lock: Lock
    log: Log
    facts: dict[str, object]
    """What the record says beside id, outcome and times."""
    started_at: datetime
    phase_now: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    deciding: threading.RLock = field(default_factory=threading.RLock)
    """Held while a build goes live, so that nobody stops the run between that and its record."""
    is_recorded: bool = False

    @contextmanager
    def phase(self, name: str, /) -> Iterator[None]:
        """Time a phase, log its start and its end, and let the lock say that it goes on."""
        self.phase_now = name
        self.lock.note(phase=name)
        self.log.write(run_id=self.id, phase=name, event="started")
        started = time.monotonic()
        event, message = "failed", None
        try:
            yield
            event = "finished"
        except Exception as error:
            message = str(error)
            raise
        finally:
            self.seconds[name] = round(time.monotonic() - started, 1)
            self.log.write(
                run_id=self.id,
                phase=name,
                event=event,
                seconds=time.monotonic() - started,
                message=message,
            )

    def record(
        self, *, outcome: str, error: str | None = None, exit_code: int = 0, **facts: object
    ) -> dict[str, object]:
        """Write down, once, what became of the run; returns the record."""
        record = self.facts | {
            "id": self.id,
            "command": self.command,
            "outcome": outcome,
            "phase": self.phase_now if error else None,
            "error": error and self.log.clean(error),
            "exit_code": exit_code,
            "started_at": stamp(self.started_at),
            "ended_at": stamp(datetime.now(UTC)),
            "seconds": self.seconds,
            **facts,
        }
        if not self.is_recorded:
            self.is_recorded = True
            append_record(publish_dir=self.publish_dir, record=record)
            self.log.write(
                run_id=self.id, event=f"run {outcome}", phase=record["phase"], message=error
            )
        return record


@contextmanager
def recorded_run(
    *, publish_dir: Path, command: str, log: Log, wait: float = 0, **facts: object
) -> Iterator[Run]:
    """Hold the lock of the folder for a run, and record it if it fails.

    First it records a run before it that died. Raises LockedError.
    """

    def take_over(left_behind: dict[str, object]) -> None:
        with suppress(OSError, PublishError):
            record_the_dead(publish_dir=publish_dir, left_behind=left_behind, log=log)

    path = publish_lock(publish_dir=publish_dir)
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
        try:
            yield run
        except Exception as error:
            with run.deciding, suppress(OSError):
                error.record = run.record(
                    outcome=getattr(error, "outcome", "failed"),
                    error=str(error),
                    exit_code=getattr(error, "exit_code", 1),
                )
            raise


def record_the_dead(*, publish_dir: Path, left_behind: dict[str, object], log: Log) -> None:
    """Record a run that died with the lock: it could not do so itself."""
    run_id = left_behind.get("run_id")
    if not run_id or any(each["id"] == run_id for each in read_records(publish_dir=publish_dir)):
        return
    live = live_build(publish_dir=publish_dir)
    is_live = bool(live) and live.name == run_id
    done = "exported" if left_behind.get("command") == EXPORT else "published"
    record = {
        "id": run_id,
        "command": left_behind.get("command"),
        "outcome": done if is_live else "failed",
        "phase": left_behind.get("phase"),
        "error": DIED.format(**{"pid": "?", "host": "?"} | left_behind),
        "started_at": left_behind.get("since"),
        "build_id": read_manifest(build=live).get("build_id") if is_live else None,
    }
    append_record(publish_dir=publish_dir, record=record)
    log.write(
        run_id=str(run_id),
        event="run died",
        phase=left_behind.get("phase"),
        message=record["error"],
    )


def facts_of(*, build: Path) -> dict[str, object]:
    """Return what the manifest of a build has in common with a record."""
    manifest = read_manifest(build=build)
    common = ("as_of_date", "code_version", "raw_input", "raw_data_dir", "input_files", "rows")
    return {"build_id": build.name} | {name: manifest.get(name) for name in common}


def code_version(*, project_dir: Path, project_version: str) -> str:
    """Name the commit of the project, marked where files differ from it; else its version."""
    command = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            ["git", "-C", str(project_dir), *command],
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.strip()
    return project_version


def stamp(time: datetime, /) -> str:
    """Write a time as records and manifests do."""
    return time.isoformat(timespec="seconds")
