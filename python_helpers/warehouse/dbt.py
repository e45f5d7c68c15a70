"""Runs a command of dbt in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from python_helpers.core.disk import why
from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg


def run_dbt(
    *command: str,
    settings: Settings,
    callbacks: Sequence[Callable[[EventMsg], None]] = (),
    is_variable_first: bool = False,
) -> dbtRunnerResult:
    """Run a command; what dbt would print goes to its log alone.

    The settings beat the variables of this shell, unless those come first, as for plain dbt.
    """
    values = settings.environment()
    if is_variable_first:
        values = {name: value for name, value in values.items() if name not in os.environ}
    with environment(values=values):
        # here and not above: it takes seconds, which --help and status need not wait for
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        arguments = dbt_arguments(settings=settings, command=command)
        outcome = dbtRunner(callbacks=list(callbacks)).invoke(arguments)
        # a profile with keep_open would hold the file, which this process reads next
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return outcome


def dbt_arguments(*, settings: Settings, command: Sequence[str]) -> list[str]:
    """Return the command line of dbt."""
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


def prepare_folders(*, settings: Settings) -> None:
    """Make the folders dbt writes to, with a profile where the project has none of its own.

    Raises SettingsError.
    """
    for folder, option in {
        settings.warehouse.parent: "another warehouse with --warehouse",
        settings.target_path: "another folder with DBT_TARGET_PATH",
    }.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"The folder {folder} cannot be made ({why(error)}). Choose {option}."
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(f"The folder {folder} cannot be written to. Choose {option}.")
    if settings.profiles_dir == settings.target_path / "profiles":
        settings.profiles_dir.mkdir(exist_ok=True)
        example = settings.project_dir / "profiles.example.yml"
        if not example.is_file():
            raise SettingsError(f"There is no profiles.yml in {settings.project_dir}.")
        shutil.copyfile(example, settings.profiles_dir / "profiles.yml")
    if not (settings.profiles_dir / "profiles.yml").is_file():
        raise SettingsError(
            f"There is no profiles.yml in {settings.profiles_dir}. Name its folder with "
            "DBT_PROFILES_DIR."
        )
