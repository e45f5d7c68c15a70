"""The options that several commands share; those of one kind arrive as one dataclass."""

import functools
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from python_helpers.core.folders import Folders, Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import RAW_INPUTS, Choices, Inputs, Resources

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
    if is_named and value not in (None, "files"):
        raise click.UsageError("--raw-data goes with --raw-input files only.")
    return value


RAW_INPUT = option(
    "--raw-input",
    envvar="RAW_INPUT",
    type=click.Choice(RAW_INPUTS),
    callback=not_beside_a_folder,
    help="Where raw data is read from: the sample in the project, files in --raw-data, or "
    "tables in schema raw of the warehouse.  [default: files with --raw-data, else sample]",
)
RAW_DATA = option(
    "--raw-data",
    envvar="RAW_DATA_DIR",
    is_eager=True,  # known when --raw-input is read
    type=click.Path(path_type=Path),
    help="Folder with the raw files: orders.csv, subscriptions.parquet, orders/*.parquet, ...",
)
WAREHOUSE = option(
    "--warehouse",
    envvar="WAREHOUSE_PATH",
    type=FILE,
    help="The DuckDB file to build in.  [default: warehouse.duckdb, in the project]",
)
PUBLISH_DIR = option(
    "--publish-dir",
    envvar="PUBLISH_DIR",
    type=FOLDER,
    help="Where published builds are.  [default: published, in the project]",
)
EXPORT_DIR = option(
    "--export-dir",
    envvar="EXPORT_DIR",
    type=FOLDER,
    help="Where exports are, a folder per format.  [default: exports, in the project]",
)
ERASURES_DIR = option(
    "--erasures-dir",
    envvar="ERASURES_DIR",
    type=FOLDER,
    help="Where the list of erased customers is.  [default: erasures, in the project]",
)
LOG_FILE = option(
    "--log-file",
    envvar="REFRESH_LOG_FILE",
    type=FILE,
    help="Where the run is logged, a line of JSON per event.  "
    "[default: logs/refresh.jsonl in the target folder, beside the log of dbt]",
)
PROJECT_DIR = option(
    "--project-dir",
    envvar="DBT_PROJECT_DIR",
    type=click.Path(path_type=Path),
    help="The dbt project.  [default: the one this command came with, else the current folder]",
)
THREADS = option(
    "--threads",
    envvar="THREADS",
    # DuckDB starts as many threads as it is told to
    type=click.IntRange(min=1, max=MOST_THREADS),
    help="Cores DuckDB may use.  [default: all of this machine]",
)
MEMORY_LIMIT = option(
    "--memory-limit",
    envvar="MEMORY_LIMIT",
    metavar="SIZE",
    help="Memory DuckDB may use, such as 8GB; beyond it, DuckDB spills to disk.  "
    "[default: 4GB, and for a build the one in its profile]",
)
WAIT = option(
    "--wait",
    "lock_wait",
    envvar="REFRESH_WAIT",
    type=SECONDS,
    default=0,
    help="Seconds to wait for another run to end before giving up with exit code 6.",
)
DEBUG = option(
    "--debug",
    envvar="DBT_DEBUG",
    is_flag=True,
    help="Show everything dbt does, and the stack trace of an error.",
)
POSTGRES_URL = option(
    "--postgres-url",
    envvar="POSTGRES_URL",
    metavar="URL",
    help="The Postgres database, postgresql://user:password@host:5432/database. Prefer the "
    "variable: other users can see a command line.",
)


def grouped(
    argument: str, kind: Any, *options: Callable, made: Callable = lambda group: group
) -> Callable[[Callable], Callable]:
    """Give a command options that it receives as one argument, a dataclass of this kind."""

    def decorate(command: Callable, /) -> Callable:
        @functools.wraps(command)
        def call(**values: Any) -> Any:
            names = [field.name for field in fields(kind) if field.name in values]
            values[argument] = made(kind(**{name: values.pop(name) for name in names}))
            return command(**values)

        for option in reversed(options):
            call = option(call)
        return call

    return decorate


def log_of(folders: Folders, /, *, secrets: tuple[str, ...] = ()) -> Log:
    """Open the log of a command; what is left out of a long error is there."""
    log = Log(file=folders.log_file, secrets=secrets)
    click.get_current_context().obj = log
    return log


places = functools.partial(grouped, "folders", Places, PROJECT_DIR, made=find_folders)
inputs = functools.partial(grouped, "inputs", Inputs)
resources = functools.partial(grouped, "resources", Resources, THREADS, MEMORY_LIMIT)
choices = functools.partial(grouped, "choices", Choices)
