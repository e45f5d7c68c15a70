"""The options that several commands share; those of one kind arrive as one dataclass."""

import functools
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from python_helpers.cli.command import words_of
from python_helpers.core.folders import Folders, Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import (
    DATE_ORDERS,
    DECIMAL_MARKS,
    ENGINES,
    MAX_SPILL,
    MEMORY_LIMIT,
    Choices,
    Inputs,
    Resources,
    is_of_files,
)
from python_helpers.export.wanted import FORMATS

MOST_THREADS = 1024
WEEK = 7 * 24 * 60  # minutes

option = functools.partial(click.option, show_envvar=True)
"""Each option is a variable as well, which the help shows."""


class Duration(click.FloatRange):
    """A time of a week at most."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number; `nan`, which is within every range, is refused."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


SECONDS = Duration(min=0, max=WEEK * 60)
MINUTES = Duration(min=0, min_open=True, max=WEEK)
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


def not_beside_a_folder(
    context: click.Context, option: click.Parameter, value: str | None
) -> str | None:
    """Refuse a folder on the command line that would not be read."""
    is_named = context.get_parameter_source("raw_data") is ParameterSource.COMMANDLINE
    if is_named and value and not any(map(is_of_files, value.split(","))):
        raise click.UsageError(f"--raw-data goes with files or exports, and --from is {value}.")
    return value


ATTRIBUTES: dict[str, dict[str, Any]] = {
    "raw_input": {"callback": not_beside_a_folder},
    # eager: known when --raw-input is read
    "raw_data": {"type": click.Path(path_type=Path), "is_eager": True},
    "date_order": {"type": click.Choice(DATE_ORDERS)},
    "decimal_mark": {"type": click.Choice(DECIMAL_MARKS)},
    "project_dir": {"type": click.Path(path_type=Path)},
    "warehouse": {"type": FILE},
    "log_file": {"type": FILE},
    "publish_dir": {"type": FOLDER},
    "export_dir": {"type": FOLDER},
    "erasures_dir": {"type": FOLDER},
    # DuckDB starts as many threads as it is told to
    "threads": {"type": click.IntRange(min=1, max=MOST_THREADS)},
    "keep_builds": {"type": click.IntRange(min=1)},
    "lock_wait": {"type": SECONDS},
    "engine": {"type": click.Choice(ENGINES)},
    "file_rows": {"type": click.IntRange(min=0)},
    "retries": {"type": click.IntRange(min=0)},
    "retry_wait": {"type": SECONDS},
    "timeout": {"type": MINUTES},
    "file_format": {"type": click.Choice(FORMATS), "default": "parquet"},
    "select": {"multiple": True, "callback": words_of},
    "exclude": {"multiple": True, "callback": words_of},
    "keep": {"type": click.IntRange(min=1)},
}
"""What the field of an option does not say."""


def described(kind: Any, /, **texts: str) -> dict[str, Callable]:
    """Make options for fields of a dataclass, each from `--name METAVAR VARIABLE: help`.

    The default is that of the field.
    """
    options = {}
    for field in fields(kind):
        if field.name in texts:
            declared, said = texts[field.name].split(": ", 1)
            names, *metavar, variable = declared.split()
            attributes: dict[str, Any] = {"metavar": " ".join(metavar) or None}
            if isinstance(field.default, str | int | float):
                attributes |= {"default": field.default, "is_flag": field.default is False}
            attributes |= ATTRIBUTES.get(field.name, {})
            options[field.name] = option(
                *names.split("/"), field.name, envvar=variable, help=said, **attributes
            )
    return options


PLACES = described(
    Places,
    warehouse="--warehouse WAREHOUSE_PATH: The DuckDB file to build in.  "
    "[default: warehouse.duckdb, in the project]",
    publish_dir="--publish-dir PUBLISH_DIR: Where published builds are.  "
    "[default: published, in the project]",
    export_dir="--export-dir EXPORT_DIR: Where exports are, a folder per format.  "
    "[default: exports, in the project]",
    erasures_dir="--erasures-dir ERASURES_DIR: Where the list of erased customers is.  "
    "[default: erasures, in the project]",
    log_file="--log-file REFRESH_LOG_FILE: Where the run is logged, a line of JSON per event.  "
    "[default: logs/refresh.jsonl in the target folder, beside the log of dbt]",
    project_dir="--project-dir DBT_PROJECT_DIR: The dbt project.  "
    "[default: the one this command came with, else the current folder]",
)
INPUTS = described(
    Inputs,
    raw_input="--from/--raw-input SYSTEMS RAW_INPUT: Where raw data is read from: exports of "
    "systems in --raw-data, such as shopify,stripe; files, those of the contract alone; tables, in "
    "schema raw of the warehouse; sample.  [default: files with --raw-data, else sample]",
    raw_data="--raw-data RAW_DATA_DIR: Folder with the raw files: orders.csv, "
    "subscriptions.parquet, orders/*.parquet, ..., or with exports.",
    as_of="--as-of YYYY-MM-DD AS_OF_DATE: The day whose end the warehouse shows.  "
    "[default: yesterday, or the last event in the data if that is earlier]",
    reporting_currency="--reporting-currency CODE REPORTING_CURRENCY: Currency all amounts are "
    "converted to, such as EUR.  [default: the one currency of the data]",
    activity_window="--activity-window DAYS ACTIVITY_WINDOW: How long a purchase keeps its "
    "customer active, to try a window for every vertical.  [default: as the seed activity_windows "
    "says]",
    raw_timezone="--raw-timezone ZONE RAW_TIMEZONE: Time zone of raw times without an offset, such "
    "as Europe/Berlin.  [default: UTC]",
    date_order="--date-order DATE_ORDER: Whether dates like 01/02/2025 begin with the day or the "
    "month.  [default: as the other dates of the file say]",
    decimal_mark="--decimal-mark DECIMAL_MARK: The mark before the decimals of raw numbers.  "
    "[default: as the other numbers of the file say]",
    dbt_vars="--vars YAML VARS: dbt vars of this run, such as '{default_margin_rate: 0.4}'.",
)
RESOURCES = described(
    Resources,
    threads="--threads THREADS: Cores DuckDB may use.  [default: all of this machine]",
    memory_limit="--memory-limit SIZE MEMORY_LIMIT: Memory DuckDB may use, such as 8GB; beyond it, "
    f"DuckDB spills to disk.  [default: {MEMORY_LIMIT}, and for a build the one in its profile]",
    max_spill="--max-spill SIZE MAX_SPILL: How much DuckDB may spill to disk before the command is "
    f"given up.  [default: {MAX_SPILL}, and for a build the one in its profile]",
)
CHOICES = described(
    Choices,
    full_refresh="--full-refresh DBT_FULL_REFRESH: Drop and rebuild every table; needed after a "
    "column was added to a seed.",
    keep_builds="--keep-builds KEEP_BUILDS: Published builds to keep, the live one included.",
    skip_audit="--skip-audit SKIP_AUDIT: Publish without the audit, once, after you have looked at "
    "a blocked build and found it right. The manifest says so.",
    no_report="--no-report REFRESH_NO_REPORT: Publish without the report, report.html.",
    debug="--debug DBT_DEBUG: Show everything dbt does, and the stack trace of an error.",
    engine="--engine REFRESH_ENGINE: What builds the warehouse: duckdb, or spark, as the target "
    "spark of profiles.yml says.",
    file_rows="--file-rows REFRESH_FILE_ROWS: With spark, marts with more rows than this are in "
    "Spark alone, and not in the published file.",
    lock_wait="--wait REFRESH_WAIT: Seconds to wait for another run to end before giving up with "
    "exit code 6.",
)


def build_of(variable: str, /, *, what: str) -> Callable:
    """Make the option that names a published build."""
    said = f"The published build {what}.  [default: the live one]"
    return option("--build", "build_id", envvar=variable, metavar="BUILD_ID", help=said)


POSTGRES_URL = option(
    "--postgres-url",
    envvar="POSTGRES_URL",
    metavar="URL",
    help="The Postgres database, postgresql://user:password@host:5432/database. Prefer the "
    "variable: other users can see a command line.",
)


def grouped(
    argument: str,
    kind: Any,
    options: dict[str, Callable],
    *names: str,
    made: Callable = lambda group: group,
) -> Callable[[Callable], Callable]:
    """Give a command options that it receives as one argument; without names, all of a kind."""

    def decorate(command: Callable, /) -> Callable:
        @functools.wraps(command)
        def call(**values: Any) -> Any:
            chosen = {name: values.pop(name) for name in options if name in values}
            return command(**values, **{argument: made(kind(**chosen))})

        for name in reversed(names or tuple(options)):
            call = options[name](call)
        return call

    return decorate


def log_of(folders: Folders, /, *, secrets: tuple[str, ...] = ()) -> Log:
    """Open the log of a command; what is left out of a long error is there."""
    log = Log(file=folders.log_file, secrets=secrets)
    click.get_current_context().obj = log
    return log


places = functools.partial(grouped, "folders", Places, PLACES, "project_dir", made=find_folders)
inputs = functools.partial(grouped, "inputs", Inputs, INPUTS)
resources = functools.partial(grouped, "resources", Resources, RESOURCES)
choices = functools.partial(grouped, "choices", Choices, CHOICES)
