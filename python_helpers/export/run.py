"""Writes the marts of a published build for other programs: files, or tables in Postgres."""

from collections.abc import Collection
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from python_helpers.core.disk import stamp
from python_helpers.core.errors import SettingsError
from python_helpers.core.locks import locked, reading_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.export.files import write_mart
from python_helpers.export.identifiers import OWNERS_FOLDER, check_marts, load_people
from python_helpers.export.places import POSTGRES, Place, note_place
from python_helpers.export.wanted import FILES, Export
from python_helpers.export.workbook import XLSX, write_workbook
from python_helpers.publishing.builds import find_build
from python_helpers.publishing.reader import opened
from python_helpers.publishing.runs import EXPORT, Run, recorded_run
from python_helpers.publishing.watch import Watch
from python_helpers.publishing.writing import SPILL, begun_build, write_build

OPTION = "--export-dir"  # chooses another folder
FACTS = ("build_id", "built_at", "as_of_date", "reporting_currency")  # of the exported build


def export(*, wanted: Export, settings: Settings, log: Log, watch: Watch | None = None) -> Path:
    """Export under the lock; returns the folder with the manifest of the export.

    Raises SettingsError, LockedError or PublishError, and then the previous export is still there.
    """
    find_build(publish_dir=settings.publish_dir, build_id=wanted.build_id)
    if wanted.with_identifiers and (wanted.file_format not in FILES or not wanted.select):
        raise SettingsError(
            "--with-identifiers needs --select, and --format csv or parquet: "
            "--format csv --select dim_customer_360"
        )
    chosen = None
    # here and not above: other exports need neither the driver nor dbt
    if wanted.file_format == POSTGRES:
        from python_helpers.export.postgres.server import checked_address
        from python_helpers.export.postgres.write import check_schema

        check_schema(schema=wanted.schema)
        checked_address(url=wanted.postgres_url)
    if wanted.select or wanted.exclude:
        from python_helpers.warehouse.selection import selected_models

        chosen = selected_models(settings=settings, select=wanted.select, exclude=wanted.exclude)
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
    publish_dir = settings.export_dir / wanted.folder
    with (
        recorded_run(
            publish_dir=publish_dir, command=EXPORT, log=log, wait=settings.lock_wait
        ) as run,
        watch.watching(run=run) if watch else nullcontext(),
        run.phase("export"),
        begun_build(run=run, option=OPTION, links=()) as folder,
        ExitStack() as held,
    ):
        write = partial(
            write_export, wanted=wanted, settings=settings, run=run, chosen=chosen, held=held
        )
        return write_build(
            run=run,
            folder=folder,
            write=write,
            outcome="exported",
            # no address stays longer than it is needed
            keep=1 if wanted.with_identifiers else wanted.keep,
            option=OPTION,
            links=(),
        )


def write_export(
    folder: Path,
    /,
    *,
    wanted: Export,
    settings: Settings,
    run: Run,
    chosen: Collection[str] | None,
    held: ExitStack,
) -> dict[str, Any]:
    """Write the marts; returns the manifest. What is entered into `held` lasts until the record."""
    with opened(publish_dir=settings.publish_dir, build_id=wanted.build_id) as source:
        source.connection.execute(settings.limits(spill=folder / SPILL))
        marts = [mart for mart in source.marts.values() if chosen is None or mart.name in chosen]
        if not marts:
            raise SettingsError(f"The selection has no mart of build {source.build.name}.")
        facts = {key: source.manifest.get(key) for key in FACTS}
        facts["exported_at"] = stamp(run.started_at)
        manifest: dict[str, Any] = {
            "export_id": run.id,
            **facts,
            "format": wanted.file_format,
            "raw_text": wanted.raw_text,
            "with_identifiers": wanted.with_identifiers,
            "selection": {"select": wanted.select, "exclude": wanted.exclude},
            "rows": {mart.name: mart.rows for mart in marts},
            "marts": {mart.name: asdict(mart) for mart in marts},
        }
        if wanted.file_format == POSTGRES:
            from python_helpers.export.postgres.server import checked_address
            from python_helpers.export.postgres.write import write_to_postgres

            def note(place: Place, is_done: bool) -> None:
                # the run is not stopped from here on: what the server has, the record must have
                held.enter_context(run.deciding)
                noted = {key: manifest[key] for key in ("build_id", "exported_at")}
                noted["marts"] = list(manifest["rows"])
                note_place(folder=run.publish_dir, place=place, is_done=is_done, facts=noted)

            manifest[POSTGRES] = write_to_postgres(
                source=source,
                marts=marts,
                address=checked_address(url=wanted.postgres_url),
                schema=wanted.schema,
                facts=facts,
                note=note,
                wait=settings.lock_wait,
            )
        elif wanted.file_format == XLSX:
            fitting = write_workbook(source=source, marts=marts, folder=folder)
            manifest["rows"] = {mart.name: mart.rows for mart in fitting}
            manifest["marts"] = {mart.name: asdict(mart) for mart in fitting}
            manifest["left_out"] = {mart.name: mart.rows for mart in marts if mart not in fitting}
        else:
            if wanted.with_identifiers:
                check_marts(marts=marts)
                load_people(source=source, settings=settings)
                folder.chmod(OWNERS_FOLDER)
            manifest["rows"] = {
                mart.name: write_mart(source=source, mart=mart, folder=folder, wanted=wanted)
                for mart in marts
            }
    return manifest
