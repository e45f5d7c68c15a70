"""Files on disk: checksums, owners, times, and waiting until the disk has them."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

OTHERS = 0o007
"""The rights of users who are neither the owner of a file nor in its group."""


def sha256(path: Path, /) -> str:
    """Return the checksum of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(*, path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_owner(*, of: Path, to: Path) -> None:
    """Give a file or a link the owner and the group of another one, where this user may.

    Files that root rewrites for another user must stay that user's.
    """
    status = of.lstat()
    with suppress(OSError):
        os.chown(to, status.st_uid, status.st_gid, follow_symlinks=False)


@contextmanager
def closed_files() -> Iterator[None]:
    """Let nobody but the owner and the group open what is made meanwhile; the umask may be tighter.

    A published mart is what readers of another user open, so they belong to the group.
    """
    before = os.umask(OTHERS)
    os.umask(before | OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def close_to_others(*paths: Path) -> None:
    """Take the rights of others from files, and from folders that are there, where this user may.

    In a folder nobody gets at the files below it.
    """
    for path in paths:
        with suppress(OSError):
            if not path.is_symlink() and path.stat().st_mode & OTHERS:
                path.chmod(path.stat().st_mode & 0o7777 & ~OTHERS)


def replace_text(path: Path, content: str, /, *, mode: int) -> None:
    """Write a text file, whole or not at all. It keeps the owner of the one before."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    # never readable by others in between
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    keep_owner(of=path if path.exists() else path.parent, to=new)
    new.chmod(mode)
    new.replace(path)
    sync(path=path.parent)


def stamp(time: datetime, /) -> str:
    """Write a time as records and manifests do."""
    return time.isoformat(timespec="seconds")


def why(error: Exception, /) -> str:
    """Return the words of an error, without the number and the path that the system adds."""
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
