"""The list of people who were erased: which ids are not to be seen again, without saying which.

    ERASURES_DIR/key           32 random bytes in hexadecimal digits, made once
    ERASURES_DIR/erased.csv    a keyed hash of each id, and the id that stands for the person

The key is the salt of every hash: who has the list alone cannot try ids until one fits. The first
line of the list says which key is its own, by a hash of a text that is no id. Staging reads both at
each build, so a delivery that still has the person brings nobody back. The list is replaced as a
whole and is on the disk before anything else is touched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.disk import keep_owner, sync, why
from python_helpers.core.errors import PublishError, SettingsError

KEY = "key"
LIST = "erased.csv"
FIELDS = ("id_hash", "tombstone_id", "erased_at", "finished_at")
OF_KEY = "key"
"""Stands in the line of the list that is of the key, in place of a tombstone."""
NO_ID = " the key of this list"
"""What is hashed for that line (macros/staging/erasure.sql): no id begins with a blank."""
TOMBSTONE = "erased-"
ANONYMOUS = "anonymous"  # the reserved word: no customer
FOLDER_MODE = 0o711
"""Entered by all, listed by its owner alone. Where another user builds, DuckDB sees that there is a
list and stops, since it may not read it; in a folder closed to that user, it would see none."""
FILE_MODE = 0o600


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """A person on the list."""

    id_hash: str
    tombstone_id: str
    erased_at: str
    finished_at: str


def checked_ids(ids: Collection[str], /) -> list[str]:
    """Return the ids as staging knows them, each once. Raises SettingsError."""
    found = {each.strip(" "): None for each in ids}
    for each in found:
        if not each:
            raise SettingsError("An id is empty: an order without an id has no customer.")
        if each == ANONYMOUS:
            raise SettingsError(f"The word {ANONYMOUS} means that there is no customer.")
        if each.startswith(TOMBSTONE):
            raise SettingsError(f"Ids that begin with {TOMBSTONE} stand for who was erased before.")
        if "\0" in each:
            raise SettingsError("An id has a null character in it, which no delivery can have.")
    if not found:
        raise SettingsError("No customer is named: add --customer ID or --customers FILE.")
    return list(found)


def read_erasures(*, folder: Path) -> list[Erasure]:
    """Read who is on the list; nobody where there is none. Raises SettingsError."""
    return [each for each in read_list(folder=folder) if each.tombstone_id != OF_KEY]


def read_list(*, folder: Path) -> list[Erasure]:
    """Read the list with the line of its key. Raises SettingsError where it cannot be read."""
    try:
        text = (folder / LIST).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        return [Erasure(**{name: row[name] for name in FIELDS}) for row in rows]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(f"{folder / LIST} cannot be read ({why(error)}).") from error
    except (KeyError, ValueError) as error:
        raise SettingsError(f"{folder / LIST} is damaged: restore it from a backup.") from error


def add_to_list(*, folder: Path, ids: Collection[str]) -> dict[str, Erasure]:
    """Put people on the list, and see it on disk; returns what it says of each id.

    Who is on it already keeps the tombstone. Raises SettingsError and PublishError.
    """
    made_folder(folder=folder)
    check_list(folder=folder)
    known = {each.id_hash: each for each in read_erasures(folder=folder)}
    try:
        key = checked_key(folder=folder) if known else made_key(folder=folder)
        erased_at = datetime.now(UTC).isoformat(timespec="seconds")
        listed = {}
        for each in ids:
            id_hash = hash_of(each, key=key)
            if id_hash not in known:
                known[id_hash] = Erasure(
                    id_hash=id_hash,
                    # random: from the one nobody can work out the other
                    tombstone_id=TOMBSTONE + secrets.token_hex(8),
                    erased_at=erased_at,
                    finished_at="",
                )
            listed[each] = known[id_hash]
        # begun again: what is left of an earlier try counts as not finished
        named = {each.tombstone_id for each in listed.values()}
        write_list(
            folder=folder,
            erasures=[
                replace(each, finished_at="") if each.tombstone_id in named else each
                for each in known.values()
            ],
            key_hash=hash_of(NO_ID, key=key),
        )
    except OSError as error:
        raise PublishError(
            f"The list of the erased in {folder} cannot be written ({why(error)})."
        ) from error
    return listed


def finish_on_list(*, folder: Path, tombstones: Collection[str]) -> None:
    """Note that nothing of these people is left."""
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    write_list(
        folder=folder,
        erasures=[
            replace(each, finished_at=finished_at) if each.tombstone_id in tombstones else each
            for each in read_erasures(folder=folder)
        ],
        key_hash=hash_of(NO_ID, key=checked_key(folder=folder)),
    )


def unfinished(*, folder: Path) -> int:
    """Count the people whose erasure was begun and not finished."""
    return sum(not each.finished_at for each in read_erasures(folder=folder))


def said_of_unfinished(count: int, /) -> str:
    """Say how many erasures are not finished, and what to do."""
    return (
        f"{count} {'erasure was' if count == 1 else 'erasures were'} begun and not finished: run "
        "lifecycle erase again with the same ids. No delivery brings anybody back meanwhile."
    )


def hash_of(id_: str, /, *, key: str) -> str:
    """Return what the list has of an id."""
    return hashlib.sha256((key + id_).encode()).hexdigest()


def check_list(*, folder: Path) -> None:
    """Refuse to read a delivery by a list that knows nobody again. Raises SettingsError."""
    if (folder / LIST).exists():
        if read_erasures(folder=folder):
            checked_key(folder=folder)
    elif (folder / KEY).exists():
        raise SettingsError(
            f"{folder / LIST} is gone, and its key is there: restore it from a backup, or remove "
            "the key if nobody was ever erased."
        )


def checked_key(*, folder: Path) -> str:
    """Read the key of a list. Raises SettingsError where it is gone, damaged or of another one."""
    path = folder / KEY
    try:
        key = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path} is gone, and without it {folder / LIST} says nothing: restore it from a "
            "backup. Until then no delivery can be read without bringing people back."
        ) from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({why(error)}).") from error
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise SettingsError(f"{path} is damaged: restore it from a backup.")
    # a list of an earlier version does not say which key is its own
    own = {each.id_hash for each in read_list(folder=folder) if each.tombstone_id == OF_KEY}
    if own and own != {hash_of(NO_ID, key=key)}:
        raise SettingsError(
            f"{path} is the key of another list than {folder / LIST}: restore the two of one "
            "backup."
        )
    return key


def made_key(*, folder: Path) -> str:
    """Read the key, or make it where there is none. Raises SettingsError."""
    path = folder / KEY
    if not path.exists():
        key = secrets.token_hex(32)
        # the list first: a key alone means that its list was lost
        write_list(folder=folder, erasures=(), key_hash=hash_of(NO_ID, key=key))
        write_private(path=path, text=key)
    return checked_key(folder=folder)


def made_folder(*, folder: Path) -> None:
    """Make the folder of the list; one that is there keeps its mode. Raises PublishError."""
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            keep_owner(of=folder.parent, to=folder)
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise PublishError(f"The folder {folder} cannot be made ({why(error)}).") from error


def write_list(*, folder: Path, erasures: Collection[Erasure], key_hash: str) -> None:
    """Replace the list in one step."""
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    of_key = Erasure(id_hash=key_hash, tombstone_id=OF_KEY, erased_at=stamp, finished_at=stamp)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([getattr(each, name) for name in FIELDS] for each in (of_key, *erasures))
    write_private(path=folder / LIST, text=text.getvalue())


def write_private(*, path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    keep_owner(of=path if path.exists() else path.parent, to=new)
    new.replace(path)
    sync(path=path.parent)
