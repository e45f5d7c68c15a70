"""One writer at a time for a warehouse and for a folder of published builds.

The operating system holds the lock and releases it when the process ends, however it ends. The lock
file says who holds it; what a process that died left in the file tells the next one how far that
process got. The file is never removed: removing it could remove the lock of the next holder.
"""

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

from python_helpers.core.disk import keep_owner, stamp, why
from python_helpers.core.errors import LockedError, PublishError

FOLDER_LOCK = ".lock"  # in the folder it locks
READING_LOCK = ".reading.lock"  # in a folder of published builds
LEAST_WAIT = 0.3  # seconds: a command that only asks for the holder has the lock for less
POLL = 0.05  # seconds between two tries
MOST_BYTES = 1 << 16  # of the details of a holder


@dataclass(kw_only=True)
class Lock:
    """A lock that is held, and what its file says about the holder."""

    descriptor: int
    details: dict[str, object]

    def note(self, **details: object) -> None:
        """Add details of the holder, such as its phase."""
        self.details |= details
        write(descriptor=self.descriptor, text=json.dumps(self.details))

    def clear(self) -> None:
        """Empty the file: the holder ends in good order."""
        write(descriptor=self.descriptor, text="")


def publish_lock(*, publish_dir: Path) -> Path:
    """Name the lock of a folder of published builds."""
    return publish_dir / FOLDER_LOCK


def reading_lock(*, publish_dir: Path) -> Path:
    """Name the lock of commands that copy published builds or take rows out of the copies.

    A refresh does not need it: a build that it removes stays readable for whoever has it open.
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
    """Hold a lock; `take_over` is called with what a holder that died left behind.

    Raises LockedError where another run still holds it after `wait` seconds, and PublishError where
    the lock file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if is_new:
            # root may create the file and the owner of the folder need it next
            keep_owner(of=path.parent, to=path)
    except OSError as error:
        raise PublishError(
            f"The folder {path.parent} cannot be written to ({why(error)}). Choose another folder."
        ) from error
    with os.fdopen(descriptor, "rb"):
        until = time.monotonic() + max(wait, LEAST_WAIT)
        while not taken(descriptor=descriptor, how=fcntl.LOCK_EX):
            if time.monotonic() > until:
                who = described(holder=details_in(descriptor=descriptor))
                what = path.parent if path.name.startswith(".") else path.with_suffix("")
                raise LockedError(f"{what} is locked by {who}.")
            time.sleep(POLL)
        left_behind = details_in(descriptor=descriptor)
        if left_behind:
            # before the details are replaced: this process may die as well
            take_over(left_behind)
        lock = Lock(descriptor=descriptor, details={})
        lock.note(
            pid=os.getpid(),
            host=socket.gethostname(),
            since=stamp(datetime.now(UTC)),
            command=command,
        )
        try:
            yield lock
        finally:
            lock.clear()


def holder(path: Path, /) -> tuple[dict[str, object], bool]:
    """Return what is known of the last holder of a lock, and whether it still holds it."""
    try:
        with path.open("rb") as file:
            is_held = not taken(descriptor=file.fileno(), how=fcntl.LOCK_SH)
            return details_in(descriptor=file.fileno()), is_held
    except OSError:
        return {}, False


def taken(*, descriptor: int, how: int) -> bool:
    """Take a lock if it is free."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def details_in(*, descriptor: int) -> dict[str, object]:
    """Read the details of a holder; empty where there are none or only a part of them."""
    try:
        text = os.pread(descriptor, MOST_BYTES, 0).decode()
        found, _ = json.JSONDecoder().raw_decode(text)  # longer old details may follow
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(*, descriptor: int, text: str) -> None:
    """Replace the details. The lock holds even where a full disk refuses them."""
    data = text.encode()
    with suppress(OSError):
        # in this order: a process killed in between leaves details, not an empty file
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))


def described(*, holder: dict[str, object]) -> str:
    """Describe a holder in words."""
    if not holder:
        return "another run"
    return "{command} (process {pid} on {host}, since {since})".format(
        **dict.fromkeys(("command", "pid", "host", "since"), "?") | holder
    )
