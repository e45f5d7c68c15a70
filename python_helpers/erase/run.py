"""Erases people from all that a warehouse keeps of them; totals stay.

The list comes first and is on the disk before anything else is touched: whatever happens to the
rest, no delivery brings the people back, and the same command goes on where it was ended. The
warehouse comes last, since it knows the names that are looked for in logs and pages.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.core.locks import locked, publish_lock, reading_lock, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.delivery.contract import personal_tables
from python_helpers.delivery.erasures import add_to_list, finish_on_list, made_folder
from python_helpers.delivery.inputs import SAMPLE
from python_helpers.erase.builds import erase_in_builds, whole_builds
from python_helpers.erase.checks import check_tables, rows_of_files
from python_helpers.erase.database import erase_in_database, remove_half_made, replace_warehouse
from python_helpers.erase.exports import erase_in_databases, erase_in_exports, exported_to
from python_helpers.erase.files import erase_in_table, is_table
from python_helpers.erase.logs import clean_logs, remove_artefacts
from python_helpers.erase.search import in_deliveries, known_of, rows_in_database
from python_helpers.erase.strays import Strays, check_strays
from python_helpers.erase.texts import Words, clean_text, is_distinctive
from python_helpers.publishing.builds import DATABASE, kept_builds, read_manifest
from python_helpers.publishing.runs import recorded_run
from python_helpers.warehouse.build import remove_spill
from python_helpers.warehouse.dbt import prepare_folders
from python_helpers.warehouse.problems import cause_of, explained

COMMAND = "lifecycle erase"
ERASED = "erased"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where people are."""

    places: dict[str, dict[str, int]]
    """Warehouse or build -> table -> rows."""
    deliveries: dict[str, int]
    """Delivered file -> rows."""
    exported_to: list[str]
    """Schemas in Postgres that were exported to; nobody has looked into them."""

    @property
    def rows(self) -> int:
        """Count the rows that are rewritten."""
        return sum(sum(tables.values()) for tables in self.places.values())


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What an erasure did."""

    found: Found
    rewritten: list[str]
    """What was written anew or removed."""
    strays: Strays


def erase(
    *, settings: Settings, ids: Collection[str], log: Log, postgres_url: str | None = None
) -> Erased:
    """Erase people. Raises SettingsError, LockedError, PublishError."""
    prepare_folders(settings=settings)
    with ExitStack() as held:
        lock = partial(locked, command=COMMAND, wait=settings.lock_wait)
        held.enter_context(lock(warehouse_lock(warehouse=settings.warehouse)))
        held.enter_context(lock(reading_lock(publish_dir=settings.publish_dir)))
        run = held.enter_context(
            recorded_run(
                publish_dir=settings.publish_dir,
                command=COMMAND,
                log=log,
                wait=settings.lock_wait,
                erased_customers=len(ids),
            )
        )
        # before the lock, which would make it with the mode of any folder
        made_folder(folder=settings.erasures_dir)
        held.enter_context(lock(publish_lock(publish_dir=settings.erasures_dir)))
        with run.phase("erase"):
            refuse_what_would_stay(settings=settings, ids=ids)
            listed = add_to_list(folder=settings.erasures_dir, ids=ids)
            tombstones = {id_: each.tombstone_id for id_, each in listed.items()}
            words = Words(ids)
            try:
                whole = whole_builds(publish_dir=settings.publish_dir)
                found = find(settings=settings, ids=ids, whole=whole)
                known = known_people(settings=settings, ids=ids)
                words = Words([*ids, *known])
                texts = Words([value for value in (*ids, *known) if is_distinctive(value)])
                rewritten = rewrite_all(
                    settings=settings,
                    tombstones=tombstones,
                    words=words,
                    texts=texts,
                    log=log,
                    whole=whole,
                )
                strays = check_strays(settings=settings, ids=ids, texts=texts)
                since = max(each.erased_at for each in listed.values())
                rewritten += erase_in_databases(
                    settings=settings, since=since, log=log, url=postgres_url
                )
            except (OSError, duckdb.Error, PublishError) as error:
                # the cause may be a value
                cause = words.cleaned(cause_of(message=str(error)).rstrip("."))
                raise PublishError(
                    f"{cause}. No delivery brings the people back any more, but not all that is "
                    "kept of them is gone: run the same command again."
                ) from None
            finish_on_list(folder=settings.erasures_dir, tombstones=tombstones.values())
        run.record(outcome=ERASED, rewritten_files=len(rewritten))
        return Erased(found=found, rewritten=rewritten, strays=strays)


def refuse_what_would_stay(*, settings: Settings, ids: Collection[str]) -> None:
    """Refuse, before anything is touched, what would end later on. Raises PublishError."""
    if settings.warehouse.is_file():
        try:
            check_tables(
                database=settings.warehouse,
                ids=ids,
                contract=personal_tables(project_dir=settings.project_dir),
            )
        except duckdb.Error as error:
            cause = Words(ids).cleaned(explained(message=str(error)))
            raise PublishError(f"Nothing was touched. {cause}") from None


def find(
    *, settings: Settings, ids: Collection[str], whole: Collection[Path] | None = None
) -> Found:
    """Find where people are, without a change to anything. Raises duckdb.Error and OSError.

    Kept builds that are not whole are removed, not rewritten.
    """
    if whole is None:
        whole = whole_builds(publish_dir=settings.publish_dir)
    contract = personal_tables(project_dir=settings.project_dir)
    databases = {str(build / DATABASE): build / DATABASE for build in whole}
    if settings.warehouse.is_file():
        databases = {str(settings.warehouse): settings.warehouse} | databases
    places = {
        place: rows_in_database(database=database, ids=ids, contract=contract)
        for place, database in databases.items()
        if database.is_file()
    }
    deliveries, _ = in_deliveries(folders=delivery_folders(settings), ids=ids, contract=contract)
    if settings.warehouse.is_file():
        deliveries |= rows_of_files(database=settings.warehouse, ids=ids)
    return Found(
        places={place: tables for place, tables in places.items() if tables},
        deliveries=deliveries,
        exported_to=exported_to(settings=settings),
    )


def delivery_folders(settings: Settings, /) -> list[Path]:
    """Return the folders builds were made from: the one that is named, and those builds name."""
    named = [settings.raw_data]
    for build in kept_builds(publish_dir=settings.publish_dir):
        with suppress(PublishError):
            raw_data = read_manifest(build=build).get("raw_data_dir")
            named.append(Path(raw_data) if raw_data else settings.project_dir / SAMPLE)
    return list(dict.fromkeys(filter(None, named)))


def known_people(*, settings: Settings, ids: Collection[str]) -> set[str]:
    """Return names, addresses and comments of the people that a text can be searched for."""
    contract = personal_tables(project_dir=settings.project_dir)
    _, known = in_deliveries(folders=delivery_folders(settings), ids=ids, contract=contract)
    if settings.warehouse.is_file():
        known |= known_of(database=settings.warehouse, ids=ids, contract=contract)
    # one short word, like a first name, is many people's
    return {value for value in known if "@" in value or (len(value) >= 8 and " " in value)}


def rewrite_all(
    *,
    settings: Settings,
    tombstones: Mapping[str, str],
    words: Words,
    texts: Words,
    log: Log,
    whole: Collection[Path],
) -> list[str]:
    """Write everything anew; returns what."""
    contract = personal_tables(project_dir=settings.project_dir)
    config = {"threads": settings.threads}
    if settings.memory_limit:
        config["memory_limit"] = settings.memory_limit

    def rewrite(file: Path, to: Path) -> bool:
        if file.suffix == ".duckdb":
            if not rows_in_database(database=file, ids=tombstones, contract=contract):
                return False
            erase_in_database(
                database=file,
                to=to,
                catalog=file.stem,
                tombstones=tombstones,
                contract=contract,
                config=config | {"temp_directory": str(to.parent)},
            )
            return True
        if is_table(file):
            return erase_in_table(file=file, to=to, tombstones=tombstones, contract=contract)
        shutil.copyfile(file, to)
        return clean_text(to, words=texts)

    rewritten = clean_logs(settings=settings, log=log, words=words, texts=texts)
    rewritten += remove_artefacts(settings=settings)
    rewritten += [
        f"build {build}"
        for build in erase_in_builds(
            publish_dir=settings.publish_dir,
            rewrite=rewrite,
            cleaned=texts.cleaned,
            whole=whole,
        )
    ]
    rewritten += erase_in_exports(
        settings=settings, rewrite=rewrite, cleaned=texts.cleaned, command=COMMAND
    )
    remove_half_made(warehouse=settings.warehouse)
    if settings.warehouse.is_file():
        remove_spill(warehouse=settings.warehouse)
        replace_warehouse(
            warehouse=settings.warehouse, tombstones=tombstones, contract=contract, config=config
        )
        rewritten.append(str(settings.warehouse))
    return rewritten
