"""Searches everything that is kept for the people, and says whose each place is."""

import gzip
import os
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import duckdb

from python_helpers.core.errors import HeldByOthersError, PublishError
from python_helpers.core.folders import DATA_DOCS, PROJECT_FILE
from python_helpers.core.locks import FOLDER_LOCK, READING_LOCK
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.delivery.inputs import input_paths
from python_helpers.erase.people import People
from python_helpers.erase.warehouse import project_schemas
from python_helpers.export.places import PLACES
from python_helpers.publishing.builds import (
    BUILDS,
    INCOMPLETE,
    MANIFEST,
    kept_builds,
    read_manifest,
)
from python_helpers.publishing.records import RECORDS

SAMPLE = "sample"  # the schema of the seeds that stand for a delivery
TABLES = (".parquet", ".csv", ".csv.gz")


class Whose(Enum):
    """Whose a place is, which decides what becomes of it."""

    OURS = "built by this project"
    TABLE = "a table that others load"
    FILE = "a file of others"
    DELIVERY = "delivered"
    UNREADABLE = "a file that cannot be decoded"


STILL_IN = {
    Whose.OURS: "Still found: {}",
    Whose.FILE: "Still in files of others: {}. Move them away, or take the customers out of them",
    Whose.TABLE: "These tables of the warehouse, which others load, still have rows of the "
    "customers: {}. Remove the rows (docs/operations.md has the SQL)",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where people are."""

    whose: Whose
    where: str
    rows: int

    def __str__(self) -> str:
        """Name it, with its rows."""
        return f"{self.where} ({self.rows:,} {'row' if self.rows == 1 else 'rows'})"


def search(*, settings: Settings, people: People) -> list[Place]:
    """Search warehouse, builds, exports, logs and delivery. Raises duckdb.Error and OSError."""
    found: list[Place] = []
    if settings.warehouse.is_file():
        found += in_warehouse(settings=settings, people=people)
    for path, is_ours in files_of(settings=settings):
        rows = rows_in_file(path, people, is_ours=is_ours)
        whose = Whose.OURS if is_ours else Whose.UNREADABLE if rows is None else Whose.FILE
        if rows != 0:
            found.append(Place(whose=whose, where=str(path), rows=rows or 0))
    for path in input_paths(settings=settings):
        rows = rows_in_file(path, people, is_ours=True)
        if rows:
            found.append(Place(whose=Whose.DELIVERY, where=str(path), rows=rows))
    return found


def in_warehouse(*, settings: Settings, people: People) -> Iterator[Place]:
    """Search the tables of the warehouse, and the views that others made."""
    ours = project_schemas(project_dir=settings.project_dir)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        people.load(connection)
        for schema, table, is_view in connection.execute(
            "select table_schema, table_name, table_type = 'VIEW' from information_schema.tables "
            "where table_catalog = current_database() order by all"
        ).fetchall():
            relation = ".".join(map(name, (settings.warehouse.stem, schema, table)))
            if is_view and schema in ours:
                continue  # it shows what tables have
            rows = 0
            # a view that cannot be read shows nothing to anybody
            with suppress(duckdb.Error) if is_view else nullcontext():
                rows = people.rows_in(connection, relation, is_ours=schema in ours)
            whose = Whose.OURS if schema in ours else Whose.TABLE
            if schema == SAMPLE or is_view:
                whose = Whose.DELIVERY  # the view may be of files
            if rows:
                yield Place(whose=whose, where=f"{schema}.{table}", rows=rows)


def files_of(*, settings: Settings) -> Iterator[tuple[Path, bool]]:
    """Yield each file among builds, exports and logs, and whether it is ours."""
    ours = {settings.log_file}
    found = {settings.log_file}
    for folder in (settings.publish_dir, settings.export_dir, *export_folders(settings=settings)):
        ours |= {folder / RECORDS, folder / PLACES}
        for build in kept_builds(publish_dir=folder):
            with suppress(PublishError):
                ours |= {build / each for each in (MANIFEST, *read_manifest(build=build)["files"])}
        # spills of readers come and go: `rglob` fails where a folder has just gone
        found |= {Path(at, each) for at, _, names in os.walk(folder / BUILDS) for each in names}
        docs = {path for path in (folder / DATA_DOCS).rglob("*.*") if path.is_file()}
        found, ours = found | docs, ours | docs
        # a folder that is the project's or the warehouse's as well has their files
        if not (folder / PROJECT_FILE).exists() and folder != settings.warehouse.parent:
            found |= {*folder.glob("*")} - {folder / FOLDER_LOCK, folder / READING_LOCK}
    for path in sorted(found):
        # a link is no copy
        if path.is_file() and not path.is_symlink():
            # what a run left behind is ours, and the next one removes it
            yield path, path in ours or any(each.startswith(INCOMPLETE) for each in path.parts)


def export_folders(*, settings: Settings) -> list[Path]:
    """Return the folders of exports, one per format."""
    return sorted(path.parent for path in settings.export_dir.glob(f"*/{BUILDS}"))


def rows_in_file(path: Path, people: People, /, *, is_ours: bool) -> int | None:
    """Count the rows of people in a file; None where nothing is found and it may not be text."""
    try:
        with duckdb.connect() as connection:
            people.load(connection)
            if path.suffix == ".duckdb":
                connection.execute(f"attach {text(path)} as searched (read_only)")
                tables = connection.execute(
                    "select schema_name, table_name from duckdb_tables() "
                    "where database_name = 'searched'"
                ).fetchall()
                relations = [".".join(map(name, ("searched", *table))) for table in tables]
            elif path.name.lower().endswith(TABLES):
                relations = [relation_of(path)]
            else:
                return int(people.are_in(text_of(path), is_ours=is_ours))
            return sum(
                people.rows_in(connection, relation, is_ours=is_ours) for relation in relations
            )
    except (OSError, EOFError, ValueError, duckdb.Error):
        # bytes of two a letter, or of a table that cannot be read, may still say a name
        try:
            content = path.read_bytes().replace(b"\0", b"").decode(errors="replace")
        except FileNotFoundError:
            return 0  # it was the spill of a reader, and is gone
        return 1 if people.are_in(content, is_ours=is_ours) else None


def text_of(path: Path, /) -> str:
    """Read a file as text. Raises ValueError where it is binary, OSError and EOFError."""
    if path.suffix.lower() == ".xlsx":
        return text_of_workbook(path)
    data = path.read_bytes()
    content = (gzip.decompress(data) if path.suffix.lower() == ".gz" else data).decode()
    if "\0" in content:
        raise ValueError(path)
    return content


def text_of_workbook(path: Path, /) -> str:
    """Read the cells of a spreadsheet, a line each. Raises ValueError for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(each).decode() for each in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(path) from error
    cells = (each for part in parts for each in re.findall(r"<(?:t|v)\b[^>]*>([^<]*)<", part))
    return "\n".join(cells)


def relation_of(file: Path, /) -> str:
    """Return what reads a file of rows, whatever its delimiter; it passes over damaged lines."""
    if file.suffix.lower() == ".parquet":
        return f"read_parquet({text(file)})"
    return (
        f"read_csv({text(file)}, all_varchar = true, header = true, quote = '\"', escape = '\"', "
        "comment = '', ignore_errors = true, null_padding = true, parallel = false)"
    )


def refuse_what_is_left(found: Collection[Place], /, *, problem: str) -> None:
    """Raise PublishError or HeldByOthersError where people are in what is kept."""
    left = {whose: [str(place) for place in found if place.whose == whose] for whose in STILL_IN}
    said = [STILL_IN[whose].format(", ".join(places)) for whose, places in left.items() if places]
    if problem or left[Whose.OURS] or left[Whose.FILE]:
        raise PublishError(". ".join([*([problem] if problem else []), *said]))
    if said:
        raise HeldByOthersError(f"Everything that this project builds is erased. {said[0]}")
