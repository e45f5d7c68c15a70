"""Runs a command of dbt in this process."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import yaml

from python_helpers.core.disk import close_to_others, why
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import DATA_DOCS, DOCS_PAGE, PROJECT_FILE
from python_helpers.core.settings import SPARK, Settings

ARTEFACTS = (
    *("compiled", "run", "manifest.json", "semantic_manifest.json", "partial_parse.msgpack"),
    *("run_results.json", "sources.json", "catalog.json", "graph.gpickle", "graph_summary.json"),
    *("index.html", "static_index.html", "perf_info.json", DOCS_PAGE, DATA_DOCS),
)
"""What builds, documentation and audits leave in the target folder, and make again."""

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg


def run_dbt(
    *command: str, settings: Settings, callbacks: Sequence[Callable[[EventMsg], None]] = ()
) -> dbtRunnerResult:
    """Run a command; what dbt would print goes to its log alone."""
    folders = {
        "--project-dir": settings.project_dir,
        "--profiles-dir": settings.profiles_dir,
        "--target-path": settings.target_path,
        "--log-path": settings.log_path,
    }
    if command[0] == "debug":  # it writes nothing there, and does not know the option
        del folders["--target-path"]
    arguments = [*command, "--no-use-colors", "--log-level-file", "debug"]
    arguments += ["--log-level", "debug" if settings.debug else "none"]
    arguments += [str(word) for option in folders.items() for word in option]
    arguments += ["--vars", settings.dbt_vars] if settings.dbt_vars else []
    arguments += ["--target", SPARK] if settings.on_spark else []
    with environment(values=settings.environment()), command_line("dbt", *command):
        # here and not above: it takes seconds, which --help and status need not wait for
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        outcome = dbtRunner(callbacks=list(callbacks)).invoke(arguments)
        # a profile with keep_open would hold the file, which this process reads next
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return outcome


@contextmanager
def command_line(*words: str) -> Iterator[None]:
    """Show another command line for a while: dbt writes the one it sees to its log and artefacts.

    Ours may have a secret in it, or the id of a customer to erase.
    """
    before = sys.argv
    sys.argv = list(words)
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def environment(*, values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ[name] for name in values if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def prepare_folders(*, settings: Settings) -> None:
    """Make the folders dbt writes to, with a profile where the project has none of its own.

    Raises SettingsError.
    """
    example = settings.project_dir / "profiles.example.yml"
    profile = settings.profiles_dir / "profiles.yml"
    try:
        for folder in (settings.warehouse.parent, settings.target_path):
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        if settings.profiles_dir == settings.target_path / "profiles" and example.is_file():
            settings.profiles_dir.mkdir(exist_ok=True)
            shutil.copyfile(example, profile)
        close_files(settings=settings)
    except OSError as error:
        raise SettingsError(
            f"{error.filename} cannot be written to ({why(error)}). Choose another warehouse with "
            "--warehouse, or another target folder with DBT_TARGET_PATH."
        ) from error
    if not profile.is_file():
        raise SettingsError(
            f"There is no profiles.yml in {profile.parent}. Name its folder with DBT_PROFILES_DIR."
        )


def check_profile(*, settings: Settings) -> None:
    """Check that dbt keeps the warehouse open from model to model. Raises SettingsError.

    The file that marts are built into is attached to the open warehouse.
    """
    path = settings.profiles_dir / "profiles.yml"
    is_kept_open = True
    with suppress(yaml.YAMLError, KeyError, TypeError, AttributeError):  # of which dbt speaks
        project = yaml.safe_load((settings.project_dir / PROJECT_FILE).read_text(encoding="utf-8"))
        profile = yaml.safe_load(path.read_text(encoding="utf-8"))[project["profile"]]
        is_kept_open = profile["outputs"][profile["target"]].get("keep_open") is not False
    if not is_kept_open:
        raise SettingsError(
            f"{path} says keep_open: false, and marts are built into a file that is attached to "
            "the open warehouse. Set keep_open: true, as profiles.example.yml does."
        )


def close_files(*, settings: Settings) -> None:
    """Close what plain dbt or an older version left open to every user of the machine."""
    warehouse = settings.warehouse.resolve()
    close_to_others(
        *(warehouse.with_name(f"{warehouse.name}{end}") for end in ("", ".wal", ".lock", ".tmp")),
        *(settings.target_path / name for name in ARTEFACTS),
        *settings.log_path.glob("dbt.log*"),
        settings.log_file,
    )
