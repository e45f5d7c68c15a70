"""One writer at a time, of a warehouse and of a folder of published builds.

The lock is the operating system's: it goes with the process that holds it, however that ends. Its
file says who the holder is, and what a process that died left in it tells the next one how far that
got. The file itself stays: who removed it could remove the one of the next holder.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.disk import keep_owner, why
from python_helpers.core.errors import LockedError, PublishError

FOLDER_LOCK = ".lock"  # in the folder it is the lock of
READING_LOCK = ".reading.lock"  # in a folder of published builds
BRIEFLY = 0.3  # seconds to try at least: who only asks whether a lock is held has it for less
POLL = 0.05  # seconds between two tries
LONGEST = 1 << 16  # bytes of details


@dataclass(kw_only=True)
class Lock:
    """A lock that is held, and what its file says of the holder."""

    descriptor: int
    details: dict[str, object]

    def note(self, **details: object) -> None:
        """Say more of the holder, such as the phase it is in."""
        self.details |= details
        write(descriptor=self.descriptor, text=json.dumps(self.details))

    def clear(self) -> None:
        """Leave nothing behind: the holder ends in good order."""
        write(descriptor=self.descriptor, text="")


def publish_lock(*, publish_dir: Path) -> Path:
    """Name the lock of a folder of published builds."""
    return publish_dir / FOLDER_LOCK


def reading_lock(*, publish_dir: Path) -> Path:
    """Name the lock of who makes copies of published builds, and of who takes rows out of both.

    A refresh does without: it adds a build, and one it removes stays readable to who has it open.
    """
    return publish_dir / READING_LOCK


def warehouse_lock(*, warehouse: Path) -> Path:
    """Name the lock of a warehouse, the same one whatever link leads to it."""
    warehouse = warehouse.resolve()
    return warehouse.with_name(f"{warehouse.name}.lock")


@contextmanager
def locked(
    path: Path,
    /,
    *,
    command: str,
    wait: float = 0,
    take_over: Callable[[dict[str, object]], None] = lambda left_behind: None,
) -> Iterator[Lock]:
    """Hold a lock; `take_over` is first given what the last holder left behind, if it died.

    Raises LockedError where another run still has it after `wait` seconds, and PublishError where
    there is no place for its file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if is_new:
            # root may be the first, and the owner of the folder the next
            keep_owner(of=path.parent, to=path)
    except OSError as error:
        raise PublishError(
            f"The folder {path.parent} cannot be written to ({why(error)})."
        ) from error
    try:
        until = time.monotonic() + max(wait, BRIEFLY)
        while not taken(descriptor=descriptor, how=fcntl.LOCK_EX):
            if time.monotonic() > until:
                who = said_of(holder=details_in(descriptor=descriptor))
                what = path.parent if path.name.startswith(".") else path.with_suffix("")
                raise LockedError(f"{what} is locked by {who}.")
            time.sleep(POLL)
        left_behind = details_in(descriptor=descriptor)
        if left_behind:
            # before its details are replaced: this process may die as well
            take_over(left_behind)
        lock = Lock(descriptor=descriptor, details={})
        lock.note(
            pid=os.getpid(),
            host=socket.gethostname(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command,
        )
        try:
            yield lock
        finally:
            lock.clear()
    finally:
        os.close(descriptor)


def holder(path: Path, /) -> tuple[dict[str, object], bool]:
    """Tell what is known of the last holder of a lock, and whether it holds it still."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return {}, False
    try:
        is_held = not taken(descriptor=descriptor, how=fcntl.LOCK_SH)
        return details_in(descriptor=descriptor), is_held
    finally:
        os.close(descriptor)


def taken(*, descriptor: int, how: int) -> bool:
    """Take a lock if nobody has it."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def details_in(*, descriptor: int) -> dict[str, object]:
    """Read the details of a holder; none where there are none or only a part of them."""
    try:
        text = os.pread(descriptor, LONGEST, 0).decode()
        found, _ = json.JSONDecoder().raw_decode(text)  # the rest may be of longer ones
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(*, descriptor: int, text: str) -> None:
    """Replace the details. A full disk may refuse them; the lock holds without."""
    data = text.encode()
    with suppress(OSError):
        # in this order: a process killed in between leaves details, and not an empty file
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))


def said_of(*, holder: dict[str, object]) -> str:
    """Say who a holder is."""
    if not holder:
        return "another run"
    return "{command} (process {pid} on {host}, since {since})".format(
        **dict.fromkeys(("command", "pid", "host", "since"), "?") | holder
    )
