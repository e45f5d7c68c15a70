"""Writes the marts of a published build for other programs: Parquet, CSV, tables in Postgres."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path

import duckdb

from python_helpers.core.disk import sha256
from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.locks import locked, reading_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.export.files import write_mart
from python_helpers.export.places import POSTGRES, note_place
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
from python_helpers.publishing.publish import SPILL
from python_helpers.publishing.reader import Mart, Source, opened
from python_helpers.publishing.runs import EXPORT, Run, recorded_run, stamp
from python_helpers.publishing.watch import Watch
from python_helpers.warehouse.problems import explained

EXPORTED = "exported"
MEMORY_LIMIT = "4GB"


def export(*, wanted: Export, settings: Settings, log: Log, watch: Watch | None = None) -> Path:
    """Export, while nobody else does; returns the folder with the manifest of it.

    Raises SettingsError, LockedError or PublishError, and the export before is still there.
    """
    check_wanted(wanted=wanted)
    chosen = chosen_models(wanted=wanted, settings=settings)
    with locked(reading_lock(publish_dir=wanted.publish_dir), command=EXPORT, wait=wanted.wait):
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
    """Export the chosen marts and record it; the caller holds the lock of what is read."""
    with (
        recorded_run(
            publish_dir=wanted.export_dir / wanted.file_format,
            command=EXPORT,
            log=log,
            wait=wanted.wait,
        ) as run,
        watch.watching(run=run) if watch else nullcontext(),
        run.phase("export"),
    ):
        try:
            return write_export(wanted=wanted, settings=settings, run=run, chosen=chosen)
        except (OSError, duckdb.Error) as error:
            raise PublishError(explained(message=str(error))) from error
        finally:
            with suppress(OSError):
                remove_leftovers(publish_dir=run.publish_dir)


def write_export(
    *, wanted: Export, settings: Settings, run: Run, chosen: Collection[str] | None
) -> Path:
    """Write a folder beside the exports before, and make it the current one."""
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
        opened(publish_dir=wanted.publish_dir, build_id=wanted.build_id, config=config) as source,
    ):
        marts = [mart for mart in source.marts.values() if chosen is None or mart.name in chosen]
        if not marts:
            raise SettingsError(f"The selection has no mart of build {source.build.name}.")
        facts = facts_of_export(source=source, run=run)

        def note(**said: object) -> None:
            # from here on nobody stops the run: what the server has, the record has
            held.enter_context(run.deciding)
            known = {key: facts[key] for key in ("build_id", "exported_at")}
            names = [mart.name for mart in marts]
            note_place(folder=run.publish_dir, marts=names, **known, **said)

        written = write_marts(
            wanted=wanted, source=source, marts=marts, folder=folder, facts=facts, note=note
        )
        shutil.rmtree(folder / SPILL, ignore_errors=True)
        manifest = {
            "export_id": run.id,
            **facts,
            "format": wanted.file_format,
            "selection": {"select": wanted.select, "exclude": wanted.exclude},
            **written,
            "rows": {mart.name: mart.rows for mart in marts},
            "files": {
                path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
                for path in sorted(folder.iterdir())
            },
            "marts": described(marts=marts),
            "seconds": round(time.monotonic() - started, 1),
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        exported = finish_build(folder=folder, build_id=run.id)
        held.enter_context(run.deciding)
        make_live(build=exported, publish_dir=run.publish_dir, links=())
        record_exported(run=run, manifest=manifest)
    # it is exported: an old one that cannot be removed now is tried again next time
    with suppress(OSError):
        remove_old_builds(publish_dir=run.publish_dir, keep=wanted.keep)
    return exported


def record_exported(*, run: Run, manifest: Mapping[str, object]) -> None:
    """Record what was exported. The disk may be full, and it is exported all the same."""
    with suppress(OSError):
        run.record(
            outcome=EXPORTED,
            seconds={"export": manifest["seconds"]},
            **{key: manifest[key] for key in ("build_id", "as_of_date", "rows")},
        )


def facts_of_export(*, source: Source, run: Run) -> dict[str, object]:
    """Say which build it is, of when, and when it is exported."""
    known = ("build_id", "built_at", "as_of_date", "reporting_currency")
    return {key: source.manifest.get(key) for key in known} | {"exported_at": stamp(run.started_at)}


def write_marts(
    *,
    wanted: Export,
    source: Source,
    marts: list[Mart],
    folder: Path,
    facts: dict[str, object],
    note: Callable[..., None],
) -> dict[str, object]:
    """Write the marts as wanted; returns what the manifest says of that."""
    if wanted.file_format == POSTGRES:
        from python_helpers.export.postgres.server import checked_address
        from python_helpers.export.postgres.write import write_to_postgres

        address = checked_address(url=wanted.postgres_url)
        return {
            POSTGRES: write_to_postgres(
                source=source,
                marts=marts,
                address=address,
                schema=wanted.schema,
                facts=facts,
                note=note,
                wait=wanted.wait,
            )
        }
    for mart in marts:
        write_mart(
            source=source,
            mart=mart,
            folder=folder,
            file_format=wanted.file_format,
            raw=wanted.raw_text,
        )
    return {"raw_text": wanted.raw_text} if wanted.file_format == "csv" else {}


def described(*, marts: Iterable[Mart]) -> dict[str, object]:
    """Describe marts and their columns, for a manifest."""
    return {
        mart.name: {
            "description": mart.description,
            "columns": [asdict(column) for column in mart.columns],
        }
        for mart in marts
    }
