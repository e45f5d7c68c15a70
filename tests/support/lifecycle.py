"""Ways to run the project from a test: the command line in this process, and plain dbt."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner, Result

from python_helpers.cli import command as command_module
from python_helpers.cli import main as cli
from python_helpers.core import log as log_module
from python_helpers.warehouse import build as build_module
from python_helpers.warehouse.build import build_command

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = cli.main.commands
VARIABLES = {
    option.envvar
    for command in COMMANDS.values()
    for option in command.params
    if isinstance(option, click.Option)
} | {"REPORTING_TIMEZONE", "DBT_PROFILES_DIR", "DBT_TARGET_PATH", "DBT_LOG_PATH"}
"""The environment variables that are settings; a test must not see those of its shell."""

ROW_FATE = """case
    when rejection_reasons is not null then 'rejected'
    when is_held_back then 'held_back'
    when is_superseded then 'superseded'
    when is_accepted then 'accepted'
end"""
"""The fate of a row of a base table, in a word."""


PROJECT_MACROS = (
    "macros/project/generate_schema_name.sql",
    "macros/cross_engine/expressions.sql",
    "macros/cross_engine/materializations.sql",
)
"""What a small project needs of the real one, so that its marts are built into a file."""
MART = "{{ config(schema='marts', database=env_var('MARTS_DATABASE', target.database)) }}"


def built_marts() -> list[Path]:
    """List the SQL of the marts that a build has by default; a var adds the others."""
    marts = sorted((PROJECT / "models" / "marts").glob("*/*.sql"))
    return [path for path in marts if path.stem != "fct_survey_verbatims"]


def real_data(dataset: str, /) -> Path:
    """Find a real data set, or skip the test that wants it: it is not part of the repository."""
    folder = Path(os.environ.get("LIFECYCLE_REAL_DATA", PROJECT.parent / "shared" / "data"))
    if not any((folder / dataset).glob("*.parquet")):
        pytest.skip(f"no {dataset} in {folder}: set LIFECYCLE_REAL_DATA to the folder that has it")
    return folder / dataset


def run(*arguments: object) -> Result:
    """Run the command line in this process; it never shows a stack trace."""
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


DESK = tempfile.TemporaryDirectory(prefix="lifecycle-")
PARSED: dict[str, bytes] = {}
"""What dbt keeps of a parsed project, by what makes it parse everything again."""


@contextmanager
def parsed_once(*, folder: Path, key: str) -> Iterator[Path]:
    """Spare the builds of this process all parses but the first; yields the warehouse's path.

    It is the one path for all of them, because dbt parses again for another one; for the time of
    the build it leads to the folder.
    """
    link = Path(DESK.name) / "folder"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.absolute())
    state = folder / "target" / "partial_parse.msgpack"
    if key in PARSED and not state.exists():
        state.parent.mkdir(exist_ok=True)
        state.write_bytes(PARSED[key])
    yield link / "warehouse.duckdb"
    if key not in PARSED and state.exists():
        PARSED[key] = state.read_bytes()


def refresh_delivery(
    folder: Path,
    *arguments: object,
    delivery: Path | None = None,
    select: Sequence[str] = (),
    dbt_vars: Mapping[str, object] | None = None,
    duckdb_setting: str = "",
    report: bool = False,
) -> Result:
    """Refresh from `delivery` in a folder, in warehouse and published folder beside it.

    With `select` only those nodes are built, where the whole project would say no more. With
    `duckdb_setting` the profile has that line more. With `report` the report is written as well.
    """
    # the example profile, whatever the one of this machine says
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    profile = (PROJECT / "profiles.example.yml").read_text(encoding="utf-8")
    before, settings, after = profile.partition("settings: &settings\n")
    (profiles / "profiles.yml").write_text(
        f"{before}{settings}        {duckdb_setting}\n{after}", encoding="utf-8"
    )
    options = ["--indirect-selection", "cautious", "--select", *select] if select else []
    options += ["--vars", json.dumps(dbt_vars)] if dbt_vars else []
    with (
        pytest.MonkeyPatch.context() as patched,
        parsed_once(folder=folder, key=f"refresh {dbt_vars or ''} {duckdb_setting}") as warehouse,
    ):
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        patched.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patched.setenv("DBT_PROFILES_DIR", str(profiles))
        if not report:  # it costs seconds, and few tests look at it
            patched.setenv("REFRESH_NO_REPORT", "1")
        patched.setattr(
            build_module,
            "build_command",
            lambda *, settings: (*build_command(settings=settings), *options),
        )
        # all warnings and errors, as on a terminal
        patched.setattr(log_module, "MOST_WARNINGS", 1000)
        patched.setattr(command_module, "MOST_LINES", 1000)
        return run(
            "refresh",
            *("--raw-data", delivery or folder / "delivery"),
            *("--warehouse", warehouse),
            *("--publish-dir", folder / "published"),
            *arguments,
        )


def changed_copy(warehouse: Path, /, *changes: str, name: str) -> None:
    """Copy a warehouse and change its marts, which are views of what was published."""
    copy = warehouse.with_name(name)
    shutil.copyfile(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        for mart in {found for change in changes for found in re.findall(r"marts\.(\w+)", change)}:
            connection.execute(
                f"create temp table shown as from marts.{mart}; drop view marts.{mart}; "
                f"create table marts.{mart} as from shown; drop table shown"
            )
        for change in changes:
            connection.execute(change)


def build_with_dbt(
    *,
    folder: Path,
    select: Sequence[str],
    dbt_vars: Mapping[str, object] | None = None,
    unit_tests: bool = False,
    **settings: object,
) -> duckdb.DuckDBPyConnection:
    """Build a part of the project with plain dbt; returns the warehouse, read-only."""
    profile = (PROJECT / "profiles.example.yml").read_text()
    (folder / "profiles.yml").write_text(profile)
    own = {
        "DBT_PROFILES_DIR": folder,
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "logs",
        "REPORTING_CURRENCY": "EUR",
    }
    if not unit_tests:  # they bring their own rows: a delivery changes nothing about them
        own["DBT_EXCLUDE_RESOURCE_TYPES"] = "unit_test"
    own |= settings
    inherited = {name: value for name, value in os.environ.items() if name != "AS_OF_DATE"}
    given_vars = json.dumps(dbt_vars or {})
    dbt = Path(sys.executable).with_name("dbt")
    with parsed_once(folder=folder, key=f"{own.get('RAW_INPUT')} {given_vars}") as warehouse:
        own["WAREHOUSE_PATH"] = warehouse
        run = subprocess.run(
            [
                *(dbt, "build", "--indirect-selection", "cautious", "--select", *select),
                *("--vars", given_vars),
            ],
            cwd=PROJECT,
            env=inherited | {name: str(value) for name, value in own.items()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    return duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)
