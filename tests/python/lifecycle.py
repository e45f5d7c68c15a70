"""Ways to run the project from a test: the command line in this process, and plain dbt."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner, Result

from python_helpers import build as build_module
from python_helpers import cli

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "refresh": cli.refresh,
    "audit": cli.audit,
    "status": cli.status,
    "docs": cli.docs,
}
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


def run(*arguments: object) -> Result:
    """Run the command line in this process; it never shows a stack trace."""
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


def refresh_delivery(
    folder: Path, *arguments: object, delivery: Path | None = None, select: Sequence[str] = ()
) -> Result:
    """Refresh from `delivery` in a folder, in warehouse and published folder beside it.

    With `select` only those nodes are built, where the whole project would say no more.
    """
    # the example profile, whatever the one of this machine says
    profiles = folder / "profiles"
    profiles.mkdir(exist_ok=True)
    shutil.copyfile(PROJECT / "profiles.example.yml", profiles / "profiles.yml")
    selection = ["--indirect-selection", "cautious", "--select", *select] if select else []
    with pytest.MonkeyPatch.context() as patched:
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        patched.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patched.setenv("DBT_PROFILES_DIR", str(profiles))
        # they bring their own rows: a delivery changes nothing about them
        patched.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "unit_test")
        patched.setattr(build_module, "build_command", lambda *, settings: ("build", *selection))
        return run(
            "refresh",
            *("--raw-data", delivery or folder / "delivery"),
            *("--warehouse", folder / "warehouse.duckdb"),
            *("--publish-dir", folder / "published"),
            *arguments,
        )


def build_with_dbt(
    *,
    folder: Path,
    select: Sequence[str],
    dbt_vars: Mapping[str, object] | None = None,
    **settings: object,
) -> duckdb.DuckDBPyConnection:
    """Build a part of the project with plain dbt; returns the warehouse, read-only."""
    profile = (PROJECT / "profiles.example.yml").read_text()
    (folder / "profiles.yml").write_text(profile)
    own = {
        "DBT_PROFILES_DIR": folder,
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "logs",
        "WAREHOUSE_PATH": folder / "warehouse.duckdb",
        "REPORTING_CURRENCY": "EUR",
        # they bring their own rows: a delivery changes nothing about them
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "AS_OF_DATE"}
    dbt = Path(sys.executable).with_name("dbt")
    run = subprocess.run(
        [
            *(dbt, "build", "--indirect-selection", "cautious", "--select", *select),
            *("--vars", json.dumps(dbt_vars or {})),
        ],
        cwd=PROJECT,
        env=inherited | {name: str(value) for name, value in (own | settings).items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)
