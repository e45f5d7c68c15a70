"""The steps of an erasure, in order: the list, a new build, then what is kept beside it.

The list is on the disk before anything else is touched: whatever happens to the rest, no delivery
brings the people back, and the same command continues. The old warehouse goes last, since it knows
the names to look for.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from python_helpers.core.errors import AuditError, LifecycleError, PublishError, SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.locks import locked, publish_lock, reading_lock, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import READING, SPARK, Inputs, Settings
from python_helpers.delivery.erasures import add_to_list, finish_on_list, made_folder
from python_helpers.erase.builds import remove_data_docs, rewrite_builds
from python_helpers.erase.exports import export_files_again, export_to_servers_again, exported_to
from python_helpers.erase.logs import clean_logs
from python_helpers.erase.people import People, known_texts
from python_helpers.erase.search import Place, export_folders, refuse_what_is_left, search
from python_helpers.erase.warehouse import (
    begin_warehouse,
    look_of,
    not_built_again,
    replace_warehouse,
)
from python_helpers.operate.refresh import build_and_publish, facts_of_run
from python_helpers.publishing.builds import live_build, read_manifest
from python_helpers.publishing.runs import recorded_run
from python_helpers.warehouse.build import remove_half_made
from python_helpers.warehouse.dbt import prepare_folders
from python_helpers.warehouse.problems import cause_of

COMMAND = "lifecycle erase"
UNTOUCHED = "Nothing was touched"
NOT_ON_SPARK = (
    "Customers can be erased from a warehouse of DuckDB alone. On Spark, take them out of the raw "
    "tables, then refresh until no build from before is kept (--keep-builds 1)."
)
LISTED = (
    "No delivery brings the customers back any more, but not everything that is kept of them is "
    "gone: run the same command again"
)


def find(*, settings: Settings, ids: Collection[str]) -> tuple[list[Place], list[str]]:
    """Search for people and change nothing; returns where they are, and schemas on servers.

    Raises PublishError.
    """
    people = People(tombstones=dict.fromkeys(ids, ""))
    with explained(people=people, hint=UNTOUCHED):
        people = replace(people, texts=known_texts(settings=settings, people=people))
        found = search(settings=settings, people=people)
    return found, list(map(str, exported_to(settings=settings)))


def erase(
    *,
    settings: Settings,
    ids: Collection[str],
    log: Log,
    postgres_url: str | None = None,
) -> tuple[list[str], list[Place]]:
    """Erase people; returns what was rewritten or removed, and what is left to others.

    Raises what a refresh does, and HeldByOthersError.
    """
    prepare_folders(settings=settings)
    with ExitStack() as held:
        lock = partial(locked, command=COMMAND, wait=settings.lock_wait)
        held.enter_context(lock(warehouse_lock(warehouse=settings.warehouse)))
        held.enter_context(lock(reading_lock(publish_dir=settings.publish_dir)))
        # before the lock, which would make it with the mode of any folder
        made_folder(folder=settings.erasures_dir)
        held.enter_context(lock(publish_lock(publish_dir=settings.erasures_dir)))
        recorded = partial(
            recorded_run,
            publish_dir=settings.publish_dir,
            command=COMMAND,
            log=log,
            wait=settings.lock_wait,
            erased_customers=len(ids),
        )
        held.callback(remove_half_made, warehouse=settings.warehouse)
        people = People(tombstones=dict.fromkeys(ids, ""))
        with explained(people=people, hint=UNTOUCHED):
            new = begin_warehouse(settings=settings)
            seen = look_of(settings.warehouse)
            texts = known_texts(settings=settings, people=people)
            listed = add_to_list(folder=settings.erasures_dir, ids=ids)
        tombstones = {id_: each.tombstone_id for id_, each in listed.items()}
        people = People(tombstones=tombstones, texts=texts)
        with explained(people=people, hint=LISTED):
            live = live_build(publish_dir=settings.publish_dir)
            if settings.warehouse.is_file() or live or export_folders(settings=settings):
                with recorded(**facts_of_run(settings=settings)) as run:
                    build_and_publish(settings=replace(settings, warehouse=new), run=run, log=log)
            with recorded() as run, run.phase("erase"):
                changed = [
                    *rewrite_builds(settings=settings, people=people),
                    *remove_data_docs(settings=settings, people=people),
                    *export_files_again(settings=replace(settings, warehouse=new), log=log),
                    *clean_logs(settings=settings, people=people),
                ]
                if new.is_file():
                    changed += not_built_again(settings=settings, new=new)
                    replace_warehouse(warehouse=settings.warehouse, new=new, seen=seen)
                    changed.append(f"{settings.warehouse}, built anew")
                left = search(settings=settings, people=people)
                since = max(each.erased_at for each in listed.values())
                again, problem = export_to_servers_again(
                    settings=settings, log=log, url=postgres_url, since=since
                )
                changed += again
                refuse_what_is_left(left, problem=problem)
                finish_on_list(folder=settings.erasures_dir, tombstones=tombstones.values())
                run.record(outcome="erased", rewritten_files=len(changed))
    return changed, left


def inputs_as_before(inputs: Inputs, /, *, folders: Folders) -> Inputs:
    """Let what is not said be as it is in the live build. Raises SettingsError."""
    live = live_build(publish_dir=folders.publish_dir)
    manifest = {}
    with suppress(PublishError):  # of a damaged build nothing is known
        manifest = read_manifest(build=live) if live else {}
    if manifest.get("engine") == SPARK:
        raise SettingsError(NOT_ON_SPARK)
    if not inputs.raw_input and not inputs.raw_data:
        folder = manifest.get("raw_data_dir")
        if (folder and not Path(folder).is_dir()) or (folders.warehouse.is_file() and not manifest):
            raise SettingsError(
                f"The live build was made from {folder}, which is not there now. Say where the "
                "delivery is: --raw-data DIR."
                if folder
                else f"No whole build is live in {folders.publish_dir}, so the input of the "
                "warehouse is not known. Name it: --raw-data DIR, or --raw-input."
            )
        raw_data = Path(folder) if folder else None
        inputs = replace(inputs, raw_input=manifest.get("raw_input"), raw_data=raw_data)
    as_before = {
        name: getattr(inputs, name) or manifest.get(name)
        for name in ("reporting_currency", "activity_window", *READING)
    }
    return replace(inputs, as_of=inputs.as_of or manifest.get("as_of_date"), **as_before)


@contextmanager
def explained(*, people: People, hint: str) -> Iterator[None]:
    """Say in every error what it means for the erasure, without naming the people."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        (cause,) = people.hidden_in([cause_of(message=str(error)).rstrip(".")])
        raise PublishError(f"{cause}. {hint}.") from None
    except LifecycleError as error:
        (said,) = people.hidden_in([str(error).rstrip(".")])
        end = "\n" if "\n" in said else ". "
        if isinstance(error, AuditError):
            hint += ", with --skip-audit if the build is right all the same"
        error.args = (f"{said}{end}{hint}.",)
        raise
