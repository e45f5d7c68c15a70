"""Files that others put among published builds and exports: searched, named, left as they are.

They are not ours to rewrite or to remove. One that has the people in it is a copy of them all the
same, so an erasure is not finished before its owner has taken it away.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.core.folders import PROJECT_FILE
from python_helpers.core.locks import FOLDER_LOCK, READING_LOCK
from python_helpers.core.settings import Settings
from python_helpers.delivery.contract import personal_tables
from python_helpers.erase.exports import formats
from python_helpers.erase.files import is_table
from python_helpers.erase.search import in_file, rows_in_database
from python_helpers.erase.texts import Words
from python_helpers.export.places import PLACES
from python_helpers.publishing.builds import BUILDS, kept_builds, stray_files, time_of
from python_helpers.publishing.records import RECORDS

OURS = (FOLDER_LOCK, READING_LOCK, RECORDS, PLACES)
BEGINNING = 1 << 13  # bytes that tell whether a file is text
WIDE = (b"\xff\xfe", b"\xfe\xff")  # how a text of two bytes a letter begins


@dataclass(frozen=True, kw_only=True)
class Strays:
    """What was found beside our own files."""

    searched: list[Path]
    unreadable: list[Path]
    """No text and no table: nobody has looked into them."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.searched or self.unreadable)

    def said(self) -> str:
        """Name them on one line."""
        parts = []
        if self.searched:
            parts.append(f"they are not in them: {named(self.searched)}")
        if self.unreadable:
            parts.append(f"look yourself, these are no text: {named(self.unreadable)}")
        return f"files of others were left as they are; {'; '.join(parts)}."


def check_strays(*, settings: Settings, ids: Collection[str], texts: Words) -> Strays:
    """Search the files of others. Raises PublishError, at the end, where the people are in one."""
    found, searched, unreadable = [], [], []
    contract = personal_tables(project_dir=settings.project_dir)
    for path in strays_of(settings=settings):
        try:
            text = text_of(path)
            is_there = text is not None and texts.cleaned(text) != text
            if is_table(path):
                is_there |= bool(in_file(file=path, ids=ids))
                text = ""
            elif path.suffix == ".duckdb":
                is_there |= bool(rows_in_database(database=path, ids=ids, contract=contract))
                text = ""
        except (OSError, EOFError, duckdb.Error):
            text, is_there = None, False
        (found if is_there else unreadable if text is None else searched).append(path)
    if found:
        raise PublishError(
            f"Still in files that are not ours: {named(found)}. Take them away or take the people "
            "out of them"
        )
    return Strays(searched=searched, unreadable=unreadable)


def strays_of(*, settings: Settings) -> Iterator[Path]:
    """Yield the files of others among published builds and exports; a link is no copy."""
    folders = [settings.publish_dir, settings.export_dir]
    for folder in (settings.publish_dir, *formats(settings=settings)):
        folders += [folder, folder / BUILDS]
        builds = kept_builds(publish_dir=folder)
        for build in builds:
            yield from (
                build / name for name in stray_files(build=build) if not (build / name).is_symlink()
            )
        for other in sorted((folder / BUILDS).glob("*")):
            if other.is_dir() and other not in builds and not time_of(other.name):
                yield from (path for path in sorted(other.rglob("*")) if is_file(path))
    for folder in dict.fromkeys(folders):
        # a folder that is the project's own as well has its files
        if not (folder / PROJECT_FILE).exists() and folder != settings.warehouse.parent:
            for path in sorted(folder.glob("*")):
                if is_file(path) and path.name not in OURS:
                    yield path


def is_file(path: Path, /) -> bool:
    """Tell whether something is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def text_of(path: Path, /) -> str | None:
    """Read a file as text; None where it is none."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if data.startswith(WIDE):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:BEGINNING]:
        return None
    return data.decode("utf-8", errors="surrogateescape")


def named(paths: Collection[Path], /) -> str:
    """Name files in a sentence."""
    return ", ".join(map(str, paths))
