"""Files on disk: checksums, owners, times, and waiting until the disk has them."""

import hashlib
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path


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
