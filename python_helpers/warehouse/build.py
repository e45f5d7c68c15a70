"""One `dbt build` in this process."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from rich.console import Console

from python_helpers.core.disk import why
from python_helpers.core.errors import BuildError, RawDataError, SettingsError
from python_helpers.core.progress import say, shown_progress, warning_text
from python_helpers.core.settings import Settings
from python_helpers.delivery.files import damaged_parquet, raw_tables
from python_helpers.warehouse.problems import explained, may_pass, problem_lines, raw_data_problem

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.results import RunResult
    from dbt_common.events.base_types import EventMsg

MARTS_SCHEMA = "marts"
SETTINGS_MODEL = "int_run_settings"  # reads the raw data of several tables


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build whose models and tests all passed."""

    started_at: datetime
    seconds: float
    marts: tuple[str, ...]
    """Tables of the marts schema that this build wrote; others there are left from earlier."""
    nodes: dict[str, int]
    """How many models, seeds, tests, ... ran, and how many tests warned."""

    def summary(self) -> str:
        """Say what ran, and in how many seconds."""
        nodes = ", ".join(
            f"{count} {kind.replace('_', ' ').removesuffix('s' if count == 1 else '')}"
            for kind, count in self.nodes.items()
            if kind != "warnings"
        )
        return f"Built and passed in {self.seconds:.0f} s: {nodes}."


def build(*, settings: Settings, console: Console) -> Build:
    """Run every seed, model and data test of the project.

    Raises BuildError where one of them fails, RawDataError where that is because of the raw data,
    and SettingsError where there is no profile or no place for the warehouse.
    """
    started_at = datetime.now(UTC)
    prepare_folders(settings=settings)
    warnings: dict[str, None] = {}  # in order, each once: dbt renders a model twice

    def collect(event: EventMsg) -> None:
        text = warning_text(event=event)
        if text:
            warnings[text] = None

    shown = nullcontext(lambda event: None) if settings.debug else shown_progress(console=console)
    with shown as show, environment(values=settings.environment()):
        # here and not above: it takes seconds, which --help and status need not wait for
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        arguments = dbt_arguments(settings=settings, command=build_command(settings=settings))
        outcome = dbtRunner(callbacks=[show, collect]).invoke(arguments)
        # a profile with keep_open would hold the file, which publishing reads in this process
        DuckDBConnectionManager.close_all_connections()

    results = list(outcome.result.results) if outcome.result else []
    warned_tests = problem_lines(
        results=results, statuses=("warn",), project_dir=settings.project_dir
    )
    for warning in (*warnings, *warned_tests):
        say(console, f"Warning: {warning}")
    if not outcome.success:
        raise build_error(outcome=outcome, results=results, settings=settings)
    return Build(
        started_at=started_at,
        seconds=(datetime.now(UTC) - started_at).total_seconds(),
        marts=tuple(
            sorted(
                result.node.alias
                for result in results
                if result.node.resource_type == "model" and result.node.schema == MARTS_SCHEMA
            )
        ),
        nodes=node_counts(results=results),
    )


def prepare_folders(*, settings: Settings) -> None:
    """Make the folders dbt writes to, with a profile where the project has none of its own."""
    for folder, option in {
        settings.warehouse.parent: "another warehouse with --warehouse",
        settings.target_path: "another folder with DBT_TARGET_PATH",
    }.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"The folder {folder} cannot be made ({why(error)}): name {option}."
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(f"The folder {folder} cannot be written to: name {option}.")
    if settings.profiles_dir == settings.target_path / "profiles":
        settings.profiles_dir.mkdir(exist_ok=True)
        example = settings.project_dir / "profiles.example.yml"
        if not example.is_file():
            raise SettingsError(f"There is no profiles.yml in {settings.project_dir}.")
        shutil.copyfile(example, settings.profiles_dir / "profiles.yml")
    if not (settings.profiles_dir / "profiles.yml").is_file():
        raise SettingsError(
            f"There is no profiles.yml in {settings.profiles_dir}: name its folder with "
            "DBT_PROFILES_DIR."
        )


def build_command(*, settings: Settings) -> tuple[str, ...]:
    """Return the command of the build. It leaves unit tests out: they judge the code, not data."""
    command = ("build", "--exclude-resource-type", "unit_test")
    return (*command, "--full-refresh") if settings.full_refresh else command


def dbt_arguments(*, settings: Settings, command: tuple[str, ...]) -> list[str]:
    """Return a command line of dbt; what dbt would print goes to its log alone."""
    arguments = [*command, "--no-use-colors", "--log-level-file", "debug"]
    arguments += ["--log-level", "debug" if settings.debug else "none"]
    for option, folder in {
        "--project-dir": settings.project_dir,
        "--profiles-dir": settings.profiles_dir,
        "--target-path": settings.target_path,
        "--log-path": settings.log_path,
    }.items():
        arguments += [option, str(folder)]
    if settings.dbt_vars:
        arguments += ["--vars", settings.dbt_vars]
    return arguments


@contextmanager
def environment(*, values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_error(
    *, outcome: dbtRunnerResult, results: list[RunResult], settings: Settings
) -> Exception:
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
        statuses=("error", "fail"),
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
    messages = [
        str(result.message) for result in results if str(result.status) in ("error", "fail")
    ]
    if error:
        messages.append(str(error))
    build_failed.may_pass = bool(messages) and all(may_pass(message=each) for each in messages)
    return build_failed


def raw_data_faults(*, results: list[RunResult], settings: Settings) -> dict[str, str]:
    """Tell which nodes failed because of the raw data: id -> what is wrong with it."""
    tables = raw_tables(project_dir=settings.project_dir)
    folder = settings.raw_data
    failed = [result for result in results if str(result.status) == "error"]
    faults = {
        result.node.unique_id: raw_data_problem(
            message=result.message or "", folder=folder, tables=tables
        )
        for result in failed
    }
    readers = {f"base_{table}": (table,) for table in tables} | {SETTINGS_MODEL: tables}
    if folder and any(
        result.node.name in readers and not faults[result.node.unique_id] for result in failed
    ):
        # DuckDB does not always say which Parquet file it could not read
        damaged = damaged_parquet(folder=folder, tables=tables)
        for result in failed:
            found = [
                damaged[table] for table in readers.get(result.node.name, ()) if table in damaged
            ]
            if found and not faults[result.node.unique_id]:
                faults[result.node.unique_id] = found[0]
    return {node: fault for node, fault in faults.items() if fault}


def node_counts(*, results: list[RunResult]) -> dict[str, int]:
    """Count results by type of node, and the tests that only warned."""
    counts = Counter(f"{result.node.resource_type}s" for result in results)
    counts["warnings"] = sum(str(result.status) == "warn" for result in results)
    return dict(sorted(counts.items()))


def remove_spill(*, warehouse: Path) -> None:
    """Remove what a killed build spilled to disk, which DuckDB itself leaves there for good."""
    files = list(warehouse.with_name(f"{warehouse.name}.tmp").glob("duckdb_temp_*.tmp"))
    if not files:
        return
    # who can open the warehouse to write is alone: none of the files is in use
    with suppress(duckdb.Error, OSError), duckdb.connect(str(warehouse)):
        for file in files:
            file.unlink()
