"""The list of erased customers: which ids must not be seen again, without saying which.

    ERASURES_DIR/key           32 random bytes in hexadecimal digits, made once
    ERASURES_DIR/erased.csv    a keyed hash of each id, and the id that replaces it
    ERASURES_DIR/salt          as the key; connectors make the ids of customers with it

The key is the salt of every hash: the list alone does not let anybody try ids until one fits. The
first line of the list says which key is its own. Staging reads both in every build.
"""

import csv
import hashlib
import io
import re
import secrets
from collections.abc import Collection
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.disk import keep_owner, replace_text, why
from python_helpers.core.errors import PublishError, SettingsError

KEY = "key"
SALT = "salt"
LIST = "erased.csv"
OF_KEY = "key"  # in place of a tombstone, in the line that is about the key
NO_ID = " the key of this list"  # hashed in that line, as in macros/staging/erasure.sql
TOMBSTONE = "erased-"
ANONYMOUS = "anonymous"  # the reserved word: no customer
# a build of another user sees that there is a list it may not read, and stops
FOLDER_MODE = 0o711
FILE_MODE = 0o600


@dataclass(frozen=True)
class Erasure:
    """A line of the list."""

    id_hash: str
    tombstone_id: str
    erased_at: str
    finished_at: str = ""


FIELDS = tuple(field.name for field in fields(Erasure))


def checked_ids(ids: Collection[str], /) -> list[str]:
    """Return the ids as staging knows them, each once. Raises SettingsError."""
    stripped = (each.strip(" ") for each in ids)
    found = list(dict.fromkeys(each.lower() if "@" in each else each for each in stripped))
    if not found:
        raise SettingsError("No customer is named: add --customer ID or --customers FILE.")
    for each in found:
        if each in ("", ANONYMOUS) or each.startswith(TOMBSTONE) or "\0" in each:
            raise SettingsError(
                f"Invalid customer id {each!r}. An id is not empty, and not {ANONYMOUS}, which is "
                f"for orders without a customer; ids of erased customers begin with {TOMBSTONE}."
            )
    return found


def read_erasures(*, folder: Path) -> list[Erasure]:
    """Read who is on the list; nobody without a list. Raises SettingsError."""
    return [each for each in read_list(folder=folder) if each.tombstone_id != OF_KEY]


def read_list(*, folder: Path) -> list[Erasure]:
    """Read every line of the list. Raises SettingsError."""
    rows = csv.DictReader(io.StringIO(read(folder / LIST) or "", newline=""))
    try:
        return [Erasure(*(row[name] for name in FIELDS)) for row in rows]
    except (KeyError, csv.Error) as error:
        raise SettingsError(f"{folder / LIST} is damaged: restore it from a backup.") from error


def read(path: Path, /) -> str | None:
    """Read a file; None if there is none. Raises SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({why(error)}).") from error
    except ValueError as error:
        raise SettingsError(f"{path} is damaged: restore it from a backup.") from error


def add_to_list(*, folder: Path, ids: Collection[str]) -> dict[str, Erasure]:
    """Put customers on the list, as not finished; returns the line of each id.

    Customers who are on it already keep their tombstone. Raises SettingsError and OSError.
    """
    made_folder(folder=folder)
    check_list(folder=folder)
    known = {each.id_hash: each for each in read_erasures(folder=folder)}
    if not known and not (folder / KEY).exists():
        key = secrets.token_hex(32)
        # the list first: a key alone means that its list was lost
        write_list(folder=folder, erasures=(), key=key)
        replace_text(folder / KEY, key, mode=FILE_MODE)
    key = checked_key(folder=folder)
    listed = {}
    for each in ids:
        id_hash = hash_of(each, key=key)
        # random: nobody can work it out from the id
        new = Erasure(id_hash, TOMBSTONE + secrets.token_hex(8), erased_at=now())
        listed[each] = known[id_hash] = replace(known.get(id_hash, new), finished_at="")
    write_list(folder=folder, erasures=known.values(), key=key)
    return listed


def make_salt(*, folder: Path, is_first: bool = True) -> None:
    """Make the salt of the ids of customers, once. Raises SettingsError, PublishError and OSError.

    Unless it is the first one, it was lost. One with another line feed would be another salt.
    """
    made_folder(folder=folder)
    salt = read(folder / SALT)
    if salt is not None and not re.fullmatch("[0-9a-f]{64}", salt):
        raise SettingsError(f"{folder / SALT} is damaged: restore it from a backup.")
    if salt is None:
        if not is_first:
            raise SettingsError(
                f"{folder / SALT} is gone, and without it every customer has another id: restore "
                "it from a backup."
            )
        replace_text(folder / SALT, secrets.token_hex(32), mode=FILE_MODE)


def id_of_address(address: str, /, *, folder: Path) -> str | None:
    """Return the id that connectors give to an e-mail address; None without a salt."""
    salt = read(folder / SALT)
    said = f"{salt}email:{address.strip().lower()}"
    return hashlib.sha256(said.encode()).hexdigest() if salt else None


def finish_on_list(*, folder: Path, tombstones: Collection[str]) -> None:
    """Note that nothing is left of these customers."""
    erasures = [
        replace(each, finished_at=now()) if each.tombstone_id in tombstones else each
        for each in read_erasures(folder=folder)
    ]
    write_list(folder=folder, erasures=erasures, key=checked_key(folder=folder))


def unfinished(*, folder: Path) -> int:
    """Count the customers whose erasure began and did not finish."""
    return sum(not each.finished_at for each in read_erasures(folder=folder))


def said_of_unfinished(count: int, /) -> str:
    """Say how many erasures are not finished, and what to do."""
    return (
        f"{count} {'erasure is' if count == 1 else 'erasures are'} not finished: run lifecycle "
        "erase again with the same ids. No delivery brings the customers back meanwhile."
    )


def hash_of(id_: str, /, *, key: str) -> str:
    """Return what the list has of an id."""
    return hashlib.sha256((key + id_).encode()).hexdigest()


def check_list(*, folder: Path) -> None:
    """Refuse a list that would recognise nobody. Raises SettingsError."""
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
    key = read(path)
    if key is None:
        raise SettingsError(
            f"{path} is gone, and without it {folder / LIST} recognises nobody: restore it from a "
            "backup. Until then no delivery can be read without bringing customers back."
        )
    if not re.fullmatch("[0-9a-f]{64}", key):
        raise SettingsError(f"{path} is damaged: restore it from a backup.")
    own = {each.id_hash for each in read_list(folder=folder) if each.tombstone_id == OF_KEY}
    if own != {hash_of(NO_ID, key=key)}:
        raise SettingsError(
            f"{path} is the key of another list than {folder / LIST}: restore both from one backup."
        )
    return key


def made_folder(*, folder: Path) -> None:
    """Make the folder of the list; one that is there keeps its mode. Raises PublishError."""
    try:
        if not folder.exists():
            folder.mkdir(parents=True)
            keep_owner(of=folder.parent, to=folder)
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise PublishError(f"The folder {folder} cannot be made ({why(error)}).") from error


def write_list(*, folder: Path, erasures: Collection[Erasure], key: str) -> None:
    """Replace the list in one step."""
    of_key = Erasure(hash_of(NO_ID, key=key), OF_KEY, erased_at=now(), finished_at=now())
    text = io.StringIO(newline="")
    rows = map(astuple, (of_key, *erasures))
    csv.writer(text, lineterminator="\n").writerows([FIELDS, *rows])
    replace_text(folder / LIST, text.getvalue(), mode=FILE_MODE)


def now() -> str:
    """Return the time, as the list has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
