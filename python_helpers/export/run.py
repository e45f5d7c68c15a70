"""Writes the marts of a published build for other programs: Parquet, CSV, tables in Postgres."""

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from python_helpers.core.disk import stamp
from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.locks import locked, reading_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.export.files import write_mart
from python_helpers.export.places import POSTGRES, Place, note_place
from python_helpers.export.wanted import Export, check_wanted, chosen_models
from python_helpers.publishing.builds import (
    MANIFEST,
    check_links,
    finish_build,
    make_live,
    remove_leftovers,
    remove_old_builds,
    start_build,
)
from python_helpers.publishing.publish import SPILL, failing_as_publish_error, files_in
from python_helpers.publishing.reader import Mart, Source, opened
from python_helpers.publishing.runs import EXPORT, Run, recorded_run
from python_helpers.publishing.watch import Watch

MEMORY_LIMIT = "4GB"


def export(*, wanted: Export, settings: Settings, log: Log, watch: Watch | None = None) -> Path:
    """Export under the lock; returns the folder with the manifest of the export.

    Raises SettingsError, LockedError or PublishError, and then the previous export is still there.
    """
    check_wanted(wanted=wanted, settings=settings)
    chosen = chosen_models(wanted=wanted, settings=settings)
    lock = reading_lock(publish_dir=settings.publish_dir)
    with locked(lock, command=EXPORT, wait=settings.lock_wait):
        return recorded_export(
            wanted=wanted, settings=settings, log=log, chosen=chosen, watch=watch
        )


def recorded_export(
    *,
    wanted: Export,
    settings: Settings,
    log: Log,
    chosen: Collection[str] | None,
    watch: Watch | None = None,
) -> Path:
    """Export the chosen marts and record it; the caller holds the lock of the published builds."""
    publish_dir = settings.export_dir / wanted.file_format
    with (
        recorded_run(
            publish_dir=publish_dir, command=EXPORT, log=log, wait=settings.lock_wait
        ) as run,
        watch.watching(run=run) if watch else nullcontext(),
        run.phase("export"),
        failing_as_publish_error(publish_dir=publish_dir, option="--export-dir"),
    ):
        return write_export(wanted=wanted, settings=settings, run=run, chosen=chosen)


def write_export(
    *, wanted: Export, settings: Settings, run: Run, chosen: Collection[str] | None
) -> Path:
    """Write a folder beside the earlier exports, and make it the current one."""
    check_links(publish_dir=run.publish_dir, links=())
    remove_leftovers(publish_dir=run.publish_dir)
    folder = start_build(publish_dir=run.publish_dir, build_id=run.id)
    config = {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit or MEMORY_LIMIT,
        "temp_directory": str(folder / SPILL),
    }
    started = time.monotonic()
    with (
        ExitStack() as held,
        opened(publish_dir=settings.publish_dir, build_id=wanted.build_id, config=config) as source,
    ):
        marts = [mart for mart in source.marts.values() if chosen is None or mart.name in chosen]
        if not marts:
            raise SettingsError(f"The selection has no mart of build {source.build.name}.")
        known = ("build_id", "built_at", "as_of_date", "reporting_currency")
        facts = {key: source.manifest.get(key) for key in known}
        facts["exported_at"] = stamp(run.started_at)

        def note(place: Place, is_done: bool) -> None:
            # the run is not stopped from here on: what the server has, the record must have
            held.enter_context(run.deciding)
            noted = {key: facts[key] for key in ("build_id", "exported_at")}
            noted["marts"] = [mart.name for mart in marts]
            note_place(folder=run.publish_dir, place=place, is_done=is_done, facts=noted)

        written = write_marts(
            wanted=wanted,
            source=source,
            marts=marts,
            folder=folder,
            facts=facts,
            note=note,
            wait=settings.lock_wait,
        )
        shutil.rmtree(folder / SPILL, ignore_errors=True)
        manifest: dict[str, Any] = {
            "export_id": run.id,
            **facts,
            "format": wanted.file_format,
            "selection": {"select": wanted.select, "exclude": wanted.exclude},
            **written,
            "rows": {mart.name: mart.rows for mart in marts},
            "files": files_in(folder),
            "marts": {mart.name: described(mart) for mart in marts},
            "seconds": round(time.monotonic() - started, 1),
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        exported = finish_build(folder=folder, build_id=run.id)
        held.enter_context(run.deciding)
        make_live(build=exported, publish_dir=run.publish_dir, links=())
        # the disk may be full: it is exported all the same
        with suppress(OSError):
            run.record(
                outcome="exported",
                seconds={"export": manifest["seconds"]},
                **{key: manifest[key] for key in ("build_id", "as_of_date", "rows")},
            )
    # an old export that cannot be removed now is removed next time
    with suppress(OSError):
        remove_old_builds(publish_dir=run.publish_dir, keep=wanted.keep)
    return exported


def write_marts(
    *,
    wanted: Export,
    source: Source,
    marts: Iterable[Mart],
    folder: Path,
    facts: Mapping[str, object],
    note: Callable[[Place, bool], None],
    wait: float,
) -> dict[str, object]:
    """Write the marts as wanted; returns what the manifest says about that."""
    if wanted.file_format == POSTGRES:
        from python_helpers.export.postgres.server import checked_address
        from python_helpers.export.postgres.write import write_to_postgres

        return {
            POSTGRES: write_to_postgres(
                source=source,
                marts=list(marts),
                address=checked_address(url=wanted.postgres_url),
                schema=wanted.schema,
                facts=facts,
                note=note,
                wait=wait,
            )
        }
    for mart in marts:
        rows = write_mart(
            source=source,
            mart=mart,
            folder=folder,
            file_format=wanted.file_format,
            raw=wanted.raw_text,
        )
        if rows != mart.rows:
            raise PublishError(f"{mart.name} has {mart.rows} rows, but {rows} were written.")
    return {"raw_text": wanted.raw_text} if wanted.file_format == "csv" else {}


def described(mart: Mart, /) -> dict[str, object]:
    """Describe a mart and its columns, for a manifest."""
    columns = [asdict(column) for column in mart.columns]
    return {"description": mart.description, "columns": columns}
