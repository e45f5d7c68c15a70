"""The command line with a build of two small tables in place of dbt's, for what comes around it.

`python tiny_refresh.py FOLDER COMMAND ...` runs a command on the tiny project of a folder. All rows
of a build hold one number, so that whoever sees two numbers has seen two builds.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from python_helpers.cli import main as cli
from python_helpers.core.errors import BuildError
from python_helpers.core.settings import Settings
from python_helpers.delivery.erasures import hash_of, read_erasures
from python_helpers.operate import refresh as refresh_module
from python_helpers.publishing.builds import check_files, live_build
from python_helpers.publishing.records import read_records
from python_helpers.warehouse.build import Build
from python_helpers.warehouse.problems import explained, may_pass

ENVIRONMENT = ("NUMBER", "ROWS", "BUILD_SECONDS", "TOUCH", "DEAF")
PROJECT_FILE = """\
name: tiny
version: 1.2.3
models:
  marts: {+schema: marts}
  utilities: {+schema: intermediate}
"""
SMALL_PROJECT = {
    "dbt_project.yml": """\
name: customer_lifecycle_warehouse
version: 0.0.1
profile: customer_lifecycle_warehouse
models: {customer_lifecycle_warehouse: {+materialized: table}}
flags: {send_anonymous_usage_stats: false}
""",
    "models/int_run_settings.sql": """\
{{ config(schema='intermediate') }}
select
    date '2024-06-30' as as_of_date,
    'EUR' as reporting_currency,
    cast(null as integer) as activity_window_days,
    true as is_sample,
    false as is_as_of_date_set,
    false as is_reporting_currency_set
""",
}
"""The files of a small dbt project that a refresh asks for, on either engine."""
STAMPS = "select distinct number from fct_orders union select number from dim_customers"


def make_project(folder: Path, /) -> Path:
    """Make what the command line takes for a project; returns the folder of published builds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dbt_project.yml").write_text(PROJECT_FILE)
    (folder / "profiles.yml").write_text("tiny: {}\n")
    return folder / "published"


def tombstones(erasures_dir: Path, /) -> dict[str, str]:
    """Return the customers c0 to c99 who are on the list, each with the id that stays."""
    listed = {each.id_hash: each.tombstone_id for each in read_erasures(folder=erasures_dir)}
    key = (erasures_dir / "key").read_text() if listed else ""
    hashes = {f"c{number}": hash_of(f"c{number}", key=key) for number in range(100)}
    return {id_: listed[hashed] for id_, hashed in hashes.items() if hashed in listed}


def write_warehouse(
    *, settings: Settings, number: int, rows: int = 1000, erased: Mapping[str, str] | None = None
) -> None:
    """Write what a build would leave: the warehouse, and its marts in a file of their own."""
    window = settings.activity_window or "null"
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create temp table erased (id varchar, tombstone varchar)")
        for pair in (erased or {}).items():
            connection.execute("insert into erased values (?, ?)", pair)
        connection.execute(
            f"""
            create schema if not exists intermediate;
            create or replace table intermediate.int_run_settings as
                select
                    date '2024-06-30' as as_of_date,
                    'EUR' as reporting_currency,
                    {window}::integer as activity_window_days,
                    false as is_sample,
                    false as is_reporting_currency_set,
                    false as is_as_of_date_set;
            """
        )
        file = str(settings.marts_file).replace("'", "''")
        connection.execute(f"attach '{file}' as new_marts")
        connection.execute(
            f"""
            create table new_marts.fct_orders as
                select
                    {number} as number,
                    (hash(range) // 2)::bigint as order_id,
                    coalesce(tombstone, 'c' || range % 100) as customer_id
                from range({rows})
                left join erased on id = 'c' || range % 100;
            create table new_marts.dim_customers as select {number} as number;
            """
        )


def tiny_build(*, settings: Settings, log: object) -> Build:
    """Write the warehouse, as the environment says."""
    started_at = datetime.now(UTC)
    if os.environ.get("DEAF"):  # this thread is not woken by a signal, as in a long call of C
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    time.sleep(float(os.environ.get("BUILD_SECONDS", 0)))
    try:
        write_warehouse(
            settings=settings,
            number=int(os.environ.get("NUMBER", 0)),
            rows=int(os.environ.get("ROWS", 1000)),
            erased=tombstones(settings.erasures_dir),
        )
    except duckdb.Error as error:  # as a model of dbt fails
        failed = BuildError(explained(message=str(error)))
        failed.may_pass = may_pass(message=str(error))
        raise failed from error
    touched = os.environ.pop("TOUCH", None)  # a sender who is late, once
    if touched:
        with Path(touched).open("a") as file:
            file.write("\n")
    return Build(
        started_at=started_at, seconds=0.0, marts=("dim_customers", "fct_orders"), nodes={}
    )


def command_line(folder: Path, *arguments: object) -> list[str]:
    """Return the command line that runs a command on the project of a folder."""
    return [sys.executable, __file__, str(folder), *map(str, arguments)]


def environment(**values: object) -> dict[str, str]:
    """Return the environment of a run, without settings of the shell."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DBT_", "REFRESH_", "STATUS_")) and name not in ENVIRONMENT
    }
    # the report costs seconds, and shows nothing of two small tables
    values = {"REFRESH_NO_REPORT": 1} | values
    return kept | {name: str(value) for name, value in values.items()}


def run_tiny(
    folder: Path, *arguments: object, **values: object
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, to its end."""
    return subprocess.run(
        command_line(folder, *arguments),
        env=environment(**values),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def start_tiny(folder: Path, *arguments: object, **values: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        command_line(folder, *arguments),
        env=environment(**values),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_phase(publish_dir: Path, /, *, phase: str, process: subprocess.Popen) -> bool:
    """Wait until a run is in a phase; False if it ended before."""
    while process.poll() is None:
        with suppress(OSError, ValueError, KeyError):
            details = json.loads((publish_dir / ".lock").read_text())
            # a run that was killed left its phase there
            if (details["pid"], details.get("phase")) == (process.pid, phase):
                return True
        time.sleep(0.001)
    return False


def checked_number(publish_dir: Path, /) -> int:
    """Check that what is live is one whole build, with its checksums; returns its number."""
    live = live_build(publish_dir=publish_dir)
    check_files(build=live)
    seen = set()
    with duckdb.connect(str(publish_dir / "marts.duckdb"), read_only=True) as connection:
        seen |= {number for (number,) in connection.execute(STAMPS).fetchall()}
    (number,) = seen
    return number


def outcomes(publish_dir: Path, /) -> list[tuple[str, str | None]]:
    """List what became of the runs: outcome and phase of the failure."""
    return [(each["outcome"], each["phase"]) for each in read_records(publish_dir=publish_dir)]


if __name__ == "__main__":
    refresh_module.build = tiny_build
    cli.main([*sys.argv[2:], "--project-dir", sys.argv[1]], prog_name="lifecycle")
