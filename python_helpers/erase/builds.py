"""Writes kept builds anew without the people, or removes them.

The live build is a new one by then, so whoever reads another one has its file open, and keeps it.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb

from python_helpers.core.disk import keep_owner, sync
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import DATA_DOCS
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import personal_tables
from python_helpers.erase.people import CUSTOMER_ID, ERASED, SOURCE_ID, WORD, People
from python_helpers.publishing.builds import (
    BUILDS,
    DATABASE,
    MANIFEST,
    READ_ONLY,
    check_files,
    live_build,
    read_manifest,
    start_build,
    time_of,
)
from python_helpers.publishing.writing import SPILL, facts_of_file

TOMBSTONE = f"(select tombstone_id from {ERASED} where erased_id = {CUSTOMER_ID})"
ROW_KEY = "row_key"  # of a rejected row: the values of its key as delivered, between bars


def rewrite_builds(*, settings: Settings, people: People) -> list[str]:
    """Write every kept build but the live one anew, or remove it; returns what became of which.

    One whose checksums do not fit was damaged, or a run was killed between its files.
    """
    changed = []
    for build in sorted((settings.publish_dir / BUILDS).glob("[!.]*")):
        is_ours = build.is_dir() and time_of(build.name)
        if not is_ours or build == live_build(publish_dir=settings.publish_dir):
            continue
        try:
            check_files(build=build)
            rewrite(build=build, settings=settings, people=people)
            changed.append(f"build {build.name}, rewritten")
        except (PublishError, duckdb.ProgrammingError, duckdb.DataError):
            remove_own_files(build=build)
            changed.append(f"build {build.name}, removed")
    return changed


def remove_data_docs(*, settings: Settings, people: People) -> list[str]:
    """Remove the pages of earlier audits where people are in them; returns what became of which.

    They show nobody, unless a query of the suites does.
    """
    docs = settings.publish_dir / DATA_DOCS
    pages = "\n".join(path.read_text() for path in docs.rglob("*.*") if path.is_file())
    if not people.are_in(pages, is_ours=False):
        return []
    shutil.rmtree(docs)
    return [f"{docs}, removed"]


def rewrite(*, build: Path, settings: Settings, people: People) -> None:
    """Write a build anew. Raises PublishError where that is impossible, and duckdb.Error."""
    manifest = read_manifest(build=build)
    files = manifest["files"]
    for page in [file for file in files if file.endswith(".html")]:
        if people.are_in((build / page).read_text(encoding="utf-8"), is_ours=False):
            (build / page).unlink()
            del files[page]
    for told in (manifest, manifest.get("audit") or {}):
        if told.get("warnings"):
            told["warnings"] = people.hidden_in(told["warnings"])
    folder = start_build(publish_dir=settings.publish_dir, build_id=build.name)
    try:
        write_database(build=build, folder=folder, settings=settings, people=people)
        files[DATABASE] = put(folder / DATABASE, into=build)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        put(folder / MANIFEST, into=build)
    finally:
        shutil.rmtree(folder)


def write_database(*, build: Path, folder: Path, settings: Settings, people: People) -> None:
    """Write the tables of a build to a new file, with tombstones in place of ids."""
    personal = personal_tables(project_dir=settings.project_dir)
    of_people = [table.name for table in personal if CUSTOMER_ID in table.key]
    restricted = {column for table in personal for column in table.restricted}
    with duckdb.connect() as connection:
        connection.execute(settings.limits(spill=folder / SPILL))
        connection.execute(f"attach {text(build / DATABASE)} as old (read_only)")
        connection.execute(f"attach {text(folder / DATABASE)} as new")
        connection.execute("copy from database old to new (schema)")
        people.load(connection)
        for table, columns in connection.execute(
            "select table_name, list(column_name) from duckdb_columns() "
            "where database_name = 'old' group by all order by all"
        ).fetchall():
            replaced = ", ".join(
                replacements(columns=columns, of_people=of_people, restricted=restricted)
            )
            selected = f"* replace ({replaced})" if replaced else "*"
            connection.execute(
                f"insert into new.{name(table)} select {selected} from old.{name(table)}"
            )
        connection.execute("checkpoint new")


def replacements(
    *, columns: list[str], of_people: list[str], restricted: Collection[str]
) -> Iterator[str]:
    """Yield what is selected in place of columns that hold ids, and texts that were published."""
    if CUSTOMER_ID in columns:
        yield f"coalesce({TOMBSTONE}, {CUSTOMER_ID}) as {CUSTOMER_ID}"
        for column in restricted:
            if column in columns and column != SOURCE_ID:
                is_left = f"{TOMBSTONE} is null or {name(column)} is null"
                yield (
                    f"case when {is_left} then {name(column)} else {text(WORD)} end "
                    f"as {name(column)}"
                )
    if {CUSTOMER_ID, SOURCE_ID} <= {*columns}:
        yield f"case when {TOMBSTONE} is null then {SOURCE_ID} end as {SOURCE_ID}"
    if {"table_name", ROW_KEY} <= {*columns}:
        # no pattern finds an id in every form that was delivered; only an order may be called so
        is_of_people = f"table_name in (select unnest([{', '.join(map(text, of_people))}]::text[]))"
        yield f"case when {is_of_people} then {text(WORD)} else {ROW_KEY} end as {ROW_KEY}"


def put(new: Path, /, *, into: Path) -> dict[str, object]:
    """Put a file in the place of the one of its name in a folder; returns its facts."""
    old = into / new.name
    keep_owner(of=old, to=new)
    new.chmod(old.stat().st_mode & READ_ONLY)
    sync(path=new)
    facts = facts_of_file(new)
    new.replace(old)
    sync(path=into)
    return facts


def remove_own_files(*, build: Path) -> None:
    """Remove a build or an export, but for files that others put there."""
    own = [DATABASE]
    with suppress(PublishError):
        own = list(read_manifest(build=build)["files"])
    for each in (*own, MANIFEST):
        (build / each).unlink(missing_ok=True)
    for folder, *_ in os.walk(build, topdown=False):
        with suppress(OSError):  # a file of others is in it
            Path(folder).rmdir()
