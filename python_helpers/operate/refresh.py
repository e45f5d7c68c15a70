"""The steps of a refresh, in order. If one of them fails, the last published build stays live."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from python_helpers.audit.run import audit, check_suites, compared
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import DATA_DOCS
from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import RAW_INPUTS, Settings
from python_helpers.delivery.erasures import (
    check_list,
    make_salt,
    said_of_unfinished,
    unfinished,
)
from python_helpers.delivery.inputs import (
    check_inputs,
    described_inputs,
    read_inputs,
    steady_inputs,
    warnings_of_inputs,
)
from python_helpers.publishing.builds import (
    DATABASE,
    REPORT,
    live_build,
    read_manifest,
)
from python_helpers.publishing.publish import OPTION, close_marts, publish
from python_helpers.publishing.runs import Run, code_version, recorded_run
from python_helpers.publishing.watch import Watch
from python_helpers.publishing.writing import SPILL, begun_build
from python_helpers.report.page import write_report
from python_helpers.spark.build import build_in_spark
from python_helpers.spark.marts_file import copy_marts
from python_helpers.spark.publish import begin, drop_old, go_live
from python_helpers.warehouse.build import build, remove_half_made, remove_spill
from python_helpers.warehouse.dbt import prepare_folders

COMMAND = "lifecycle refresh"


def refresh(*, settings: Settings, log: Log, watch: Watch | None = None) -> Path:
    """Build, audit and publish under the locks; returns the folder of the published build.

    Raises SettingsError, LockedError, BuildError, RawDataError, AuditError or
    PublishError.
    """
    prepare_folders(settings=settings)
    with ExitStack() as held:
        warehouse = warehouse_lock(warehouse=settings.warehouse)
        held.enter_context(locked(warehouse, command=COMMAND, wait=settings.lock_wait))
        run = held.enter_context(
            recorded_run(
                publish_dir=settings.publish_dir,
                command=COMMAND,
                log=log,
                wait=settings.lock_wait,
                **facts_of_run(settings=settings),
            )
        )
        remove_half_made(warehouse=settings.warehouse)
        check_list(folder=settings.erasures_dir)
        left = unfinished(folder=settings.erasures_dir)
        if left:
            log.warn(said_of_unfinished(left))
        if watch:
            held.enter_context(watch.watching(run=run))
        return build_and_publish(settings=settings, run=run, log=log)


def build_and_publish(*, settings: Settings, run: Run, log: Log) -> Path:
    """Build, audit and publish; the caller holds the locks. Raises what `refresh` does."""
    remove_spill(settings=settings)
    settings = compared(settings=settings, log=log)
    check_suites(settings=settings)
    session = None
    if settings.on_spark:
        settings, session = begin(settings=settings, build_id=run.id)
    if settings.systems:
        make_salt(folder=settings.erasures_dir, is_first=not had_exports(settings=settings))
    with begun_build(run=run, option=OPTION) as folder:
        settings = replace(settings, marts_file=folder / DATABASE, build_id=run.id)
        with steady_inputs(settings=settings):
            with run.phase("inputs"):
                check_inputs(settings=settings)
                read = read_inputs(settings=settings)
                run.facts["input_files"] = files = described_inputs(read)
                size = sum(file["bytes"] for file in files) / 1e6
                log.say(f"Read {len(files)} raw file(s), {size:,.1f} MB.")
                for said in warnings_of_inputs(read, settings=settings):
                    log.warn(said)
            with run.phase("build"):
                if session:
                    built = build_in_spark(settings=settings, session=session, log=log)
                else:
                    built = build(settings=settings, log=log)
                    marts = close_marts(settings=settings, build=built)
        log.say(built.summary())
        with run.phase("audit"):
            docs = settings.publish_dir / DATA_DOCS
            audited = audit(settings=settings, log=log, docs=docs, run_name=run.id)
        if session:
            with run.phase("copy"):
                marts = copy_marts(settings=settings, session=session, build=built, log=log)
        if not settings.no_report:
            with run.phase("report"):
                known = {"build_id": run.id, "warnings": log.first_warnings}
                facts = marts.facts | known | {"audit": audited.in_manifest()}
                add_report(folder=folder, facts=facts, settings=settings, log=log)
        with run.phase("publish"):
            published = publish(
                settings=settings,
                build=built,
                run=run,
                marts=marts,
                audit_facts=audited.in_manifest(),
                go_live=partial(go_live, session=session, log=log) if session else None,
            )
        if session:
            drop_old(session=session, publish_dir=settings.publish_dir, log=log)
        return published


def add_report(*, folder: Path, facts: Mapping[str, Any], settings: Settings, log: Log) -> None:
    """Write the report into the folder of a build; without it, the build is published as well."""
    live = live_build(publish_dir=settings.publish_dir)
    try:
        write_report(
            database=folder / DATABASE,
            facts=facts,
            target=folder / REPORT,
            before=live / DATABASE if live else None,
            cache=settings.target_path,
            limits=settings.limits(spill=folder / SPILL),
        )
    except Exception as error:
        (folder / REPORT).unlink(missing_ok=True)  # half of one
        log.warn(f"The report could not be written: {type(error).__name__}: {error}")


def had_exports(*, settings: Settings) -> bool:
    """Tell whether the live build is from exports; nothing is known of a damaged one."""
    with suppress(PublishError):
        live = live_build(publish_dir=settings.publish_dir)
        raw_input = str(read_manifest(build=live).get("raw_input")) if live else "files"
        return not {*raw_input.split(",")} <= {*RAW_INPUTS}
    return False


def facts_of_run(*, settings: Settings) -> dict[str, Any]:
    """Return what the record of a run says of what it was asked for."""
    return {
        "as_of_date": settings.as_of,
        "raw_input": settings.raw_input,
        "raw_data_dir": settings.raw_data and str(settings.raw_data),
        "code_version": code_version(project_dir=settings.project_dir),
    }
