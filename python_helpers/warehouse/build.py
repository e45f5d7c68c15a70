"""One `dbt build`."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from python_helpers.core.errors import BuildError, RawDataError
from python_helpers.core.folders import AUDIT_SPILL
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.delivery.contents import damaged_files
from python_helpers.delivery.contract import raw_tables
from python_helpers.warehouse.dbt import check_profile, prepare_folders, run_dbt
from python_helpers.warehouse.problems import explained, may_pass, problem_lines, raw_data_problem
from python_helpers.warehouse.progress import FAILED, shown_progress, warning_text

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunExecutionResult, RunResult
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

LEFT_OUT = ("unit_test", "saved_query", "exposure")
"""What a refresh does not run: unit tests judge the code, and of the others nothing is built."""
MARTS_SCHEMA = "marts"
SETTINGS_MODEL = "int_run_settings"  # reads the raw data of several tables


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build whose models and tests all passed."""

    started_at: datetime
    seconds: float
    marts: tuple[str, ...]
    """Tables of the marts schema that this build wrote."""
    nodes: dict[str, int]
    """How many models, seeds, tests, ... ran, and how many tests warned."""
    contracts: dict[str, Any] = field(default_factory=dict)
    """Mart -> its node of dbt, with columns, types and descriptions."""

    def summary(self) -> str:
        """Say what ran, and in how many seconds."""
        nodes = ", ".join(
            f"{count} {kind.replace('_', ' ').removesuffix('s' if count == 1 else '')}"
            for kind, count in self.nodes.items()
            if kind != "warnings"
        )
        return f"Built and passed in {self.seconds:.0f} s: {nodes}."


def build(*, settings: Settings, log: Log) -> Build:
    """Run every seed, model and data test of the project.

    Raises BuildError where one of them fails, RawDataError where the raw data is the reason, and
    SettingsError where the profile cannot be used, or there is no place for the warehouse.
    """
    started_at = datetime.now(UTC)
    prepare_folders(settings=settings)
    if settings.marts_file:
        check_profile(settings=settings)
    results = run_build(command=build_command(settings=settings), settings=settings, log=log)
    return summed(results=results, started_at=started_at)


def run_build(*, command: Sequence[str], settings: Settings, log: Log) -> list[RunResult]:
    """Run a command that builds, and warn of what it warns of. Raises what `build` does."""
    warnings: dict[str, None] = {}  # in order, each once: dbt renders a model twice

    def collect(event: EventMsg) -> None:
        if text := warning_text(event=event):
            warnings[text] = None

    quiet = nullcontext(lambda event: None)
    with quiet if settings.debug else shown_progress(console=log.console) as show:
        outcome = run_dbt(*command, settings=settings, callbacks=[show, collect])
    result = cast("RunExecutionResult | None", outcome.result)
    results = list(result.results) if result else []
    warned = problem_lines(results=results, statuses=("warn",), project_dir=settings.project_dir)
    for warning in (*warnings, *warned):
        log.warn(warning)
    if not outcome.success:
        raise build_error(outcome=outcome, results=results, settings=settings)
    return results


def summed(*, results: Sequence[RunResult], started_at: datetime) -> Build:
    """Sum up the results of a build that passed."""
    nodes: list[Any] = [result.node for result in results]
    marts = {
        each.alias: each
        for each in nodes
        # in a file of their own, and on Spark, they are in another schema than they ask for
        if each.resource_type == "model" and each.config.schema == MARTS_SCHEMA
    }
    counts = Counter(f"{node.resource_type}s" for node in nodes)
    counts["warnings"] = sum(str(result.status) == "warn" for result in results)
    return Build(
        started_at=started_at,
        seconds=(datetime.now(UTC) - started_at).total_seconds(),
        marts=tuple(sorted(marts)),
        nodes=dict(sorted(counts.items())),
        contracts=marts,
    )


def build_command(*, settings: Settings) -> tuple[str, ...]:
    """Return the command of the build."""
    excluded = (word for kind in LEFT_OUT for word in ("--exclude-resource-type", kind))
    command = ("build", *excluded)
    return (*command, "--full-refresh") if settings.full_refresh else command


def build_error(
    *, outcome: dbtRunnerResult, results: list[RunResult], settings: Settings
) -> BaseException:
    """Make an error that names every cause, and the log; with debug, return the one of dbt."""
    error = outcome.exception
    if error and settings.debug:
        return error
    faults = raw_data_faults(results=results, settings=settings)
    # once: a fault stops every model that reads the file
    lines = list(dict.fromkeys(faults.values()))
    kind = RawDataError if lines else BuildError
    lines += problem_lines(
        results=[result for result in results if result.node.unique_id not in faults],
        statuses=FAILED,
        project_dir=settings.project_dir,
    )
    if error:
        # errors of dbt and DuckDB have their type in their text
        lines = [explained(message=str(error) if "Error" in str(error) else repr(error))]
    skipped = sum(str(result.status) == "skipped" for result in results)
    if skipped:
        lines.append(f"{skipped} models and tests that need these were skipped.")
    if not lines:
        lines.append("dbt stopped before it was done.")
    build_failed = kind("\n".join([*lines, f"The log of dbt: {settings.log_path / 'dbt.log'}"]))
    messages = [str(result.message) for result in results if str(result.status) in FAILED]
    messages += [str(error)] if error else []
    build_failed.may_pass = bool(messages) and all(may_pass(message=each) for each in messages)
    return build_failed


def raw_data_faults(*, results: list[RunResult], settings: Settings) -> dict[str, str]:
    """Tell which nodes failed because of the raw data: id -> what is wrong with it."""
    tables = raw_tables(project_dir=settings.project_dir)
    folder = settings.raw_data
    readers = {f"base_{table}": (table,) for table in tables} | {SETTINGS_MODEL: tables}
    damaged: dict[str, str] = {}
    faults = {}
    for result in results:
        if str(result.status) != "error":
            continue
        fault = raw_data_problem(message=result.message or "", folder=folder, tables=tables)
        if not fault and folder and result.node.name in readers:
            # DuckDB does not always say which file it could not read
            damaged = damaged or damaged_files(folder=folder, tables=tables)
            read = readers[result.node.name]
            fault = next((damaged[table] for table in read if table in damaged), None)
        if fault:
            faults[result.node.unique_id] = fault
    return faults


def remove_spill(*, settings: Settings) -> None:
    """Remove what a killed build or audit spilled to disk, which DuckDB never does."""
    if spilled(settings=settings):
        # whoever can open the warehouse to write is alone, so none of the files is in use
        with suppress(duckdb.Error, OSError), duckdb.connect(str(settings.warehouse)):
            drop_spill(settings=settings)


def drop_spill(*, settings: Settings) -> None:
    """Remove what this process spilled to disk, whether it is in use or not."""
    for file in spilled(settings=settings):
        with suppress(OSError):
            file.unlink()


def spilled(*, settings: Settings) -> list[Path]:
    """List the files that builds and audits of a warehouse spilled."""
    of_build = settings.warehouse.with_name(f"{settings.warehouse.name}.tmp")
    folders = (of_build, settings.target_path / AUDIT_SPILL)
    return [file for folder in folders for file in folder.glob("duckdb_temp_*")]


def half_made(*, warehouse: Path) -> Path:
    """Name the folder beside a warehouse in which an erasure writes the new file."""
    file = warehouse.resolve()
    return file.with_name(f"{file.name}.erasing")


def remove_half_made(*, warehouse: Path) -> None:
    """Remove what a killed erasure left. The caller holds the lock of the warehouse."""
    shutil.rmtree(half_made(warehouse=warehouse), ignore_errors=True)
