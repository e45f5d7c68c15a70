"""The options of the commands that more than one has, or that are many of a kind."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from python_helpers.core.settings import RAW_INPUTS

MOST_THREADS = 1024
WEEK = 7 * 24 * 60  # minutes


class Duration(click.FloatRange):
    """A time of a week at most."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number; `nan`, which is within every range, is none."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


SECONDS = Duration(min=0, max=WEEK * 60)
MINUTES = Duration(min=0, min_open=True, max=WEEK)
PROJECT_DIR = click.option(
    "--project-dir",
    envvar="DBT_PROJECT_DIR",
    show_envvar=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The dbt project.  [default: the one this command came with, else the current folder]",
)
RAW_INPUT = click.option(
    "--raw-input",
    envvar="RAW_INPUT",
    show_envvar=True,
    type=click.Choice(RAW_INPUTS),
    help="Where raw data is read from: the sample in the project, files in --raw-data, or tables "
    "in schema raw of the warehouse.  [default: files with --raw-data, else sample]",
)
RAW_DATA = click.option(
    "--raw-data",
    envvar="RAW_DATA_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the raw files: orders.csv, subscriptions.parquet, orders/*.parquet, ...",
)
WAREHOUSE = click.option(
    "--warehouse",
    envvar="WAREHOUSE_PATH",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The DuckDB file to build in.  [default: warehouse.duckdb, in the project]",
)
PUBLISH_DIR = click.option(
    "--publish-dir",
    envvar="PUBLISH_DIR",
    show_envvar=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where published builds are.  [default: published, in the project]",
)
EXPORT_DIR = click.option(
    "--export-dir",
    envvar="EXPORT_DIR",
    show_envvar=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where exports are, a folder per format.  [default: exports, in the project]",
)
POSTGRES_URL = click.option(
    "--postgres-url",
    envvar="POSTGRES_URL",
    show_envvar=True,
    metavar="URL",
    help="The Postgres database, postgresql://user:password@host:5432/database. Set the variable: "
    "other users see a command line.",
)
ERASURES_DIR = click.option(
    "--erasures-dir",
    envvar="ERASURES_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the list of the erased is.  [default: erasures, in the project]",
)
WAIT = click.option(
    "--wait",
    "lock_wait",
    envvar="REFRESH_WAIT",
    show_envvar=True,
    type=SECONDS,
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another run to end, before giving up with exit code 6.",
)
LOG_FILE = click.option(
    "--log-file",
    envvar="REFRESH_LOG_FILE",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the run is logged, a line of JSON per event.  "
    "[default: logs/refresh.jsonl in the target folder, beside the log of dbt]",
)
DEBUG = click.option(
    "--debug",
    envvar="DBT_DEBUG",
    show_envvar=True,
    is_flag=True,
    help="Show all that dbt does, and the stack trace of an error.",
)
THREADS = click.option(
    "--threads",
    envvar="THREADS",
    show_envvar=True,
    # DuckDB starts as many as it is told to
    type=click.IntRange(min=1, max=MOST_THREADS),
    metavar="N",
    help="Cores DuckDB may use.  [default: all of this machine]",
)
MEMORY_LIMIT = click.option(
    "--memory-limit",
    envvar="MEMORY_LIMIT",
    show_envvar=True,
    metavar="SIZE",
    help="Memory DuckDB may use, such as 8GB; beyond it, DuckDB spills to disk.  "
    "[default: 4GB, and for a build the one in its profile]",
)
BUILT = (
    click.option(
        "--as-of",
        envvar="AS_OF_DATE",
        show_envvar=True,
        metavar="YYYY-MM-DD",
        help="The day whose end the warehouse shows.  "
        "[default: yesterday, or the last event in the data if that is earlier]",
    ),
    click.option(
        "--reporting-currency",
        envvar="REPORTING_CURRENCY",
        show_envvar=True,
        metavar="CODE",
        help="Currency all amounts are converted to, such as EUR.  "
        "[default: the one currency of the data]",
    ),
    click.option(
        "--full-refresh",
        envvar="DBT_FULL_REFRESH",
        show_envvar=True,
        is_flag=True,
        help="Drop and rebuild every table; needed after a column was added to a seed.",
    ),
    THREADS,
    MEMORY_LIMIT,
    click.option(
        "--vars",
        "dbt_vars",
        envvar="VARS",
        show_envvar=True,
        metavar="YAML",
        help="dbt vars of this run, such as '{default_margin_rate: 0.4}'.",
    ),
    click.option(
        "--keep-builds",
        envvar="KEEP_BUILDS",
        show_envvar=True,
        type=click.IntRange(min=1),
        default=5,
        show_default=True,
        metavar="N",
        help="Published builds to keep, the live one included.",
    ),
    click.option(
        "--skip-audit",
        envvar="SKIP_AUDIT",
        show_envvar=True,
        is_flag=True,
        help="Publish without the audit; the manifest says so. For a build that was looked at and "
        "is right although it was blocked.",
    ),
)
UNATTENDED = (
    WAIT,
    click.option(
        "--retry",
        "retries",
        envvar="REFRESH_RETRY",
        show_envvar=True,
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Try again so often after a failure that may pass: a full disk, a warehouse that is "
        "open elsewhere, a delivery that is still being written. Not after failed tests or wrong "
        "data.",
    ),
    click.option(
        "--retry-wait",
        envvar="REFRESH_RETRY_WAIT",
        show_envvar=True,
        type=SECONDS,
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Time between two tries.",
    ),
    click.option(
        "--timeout",
        envvar="REFRESH_TIMEOUT",
        show_envvar=True,
        type=MINUTES,
        metavar="MINUTES",
        help="End the command after this time, tries and waits included, with exit code 7.",
    ),
    click.option(
        "--on-failure",
        envvar="REFRESH_ON_FAILURE",
        show_envvar=True,
        metavar="COMMAND",
        help="Command of the shell to run after a failure; it gets the facts as JSON on its input "
        "and as LIFECYCLE_PHASE, LIFECYCLE_ERROR, ... in its environment.",
    ),
    click.option(
        "--webhook",
        envvar="REFRESH_WEBHOOK",
        show_envvar=True,
        metavar="URL",
        help="Address the facts of a failure are posted to, as JSON. It may hold a secret: prefer "
        "the variable, since other users see a command line.",
    ),
    LOG_FILE,
)


def unattended(command: Callable, /) -> Callable:
    """Give a command the options of a run that nobody watches."""
    return with_options(command, UNATTENDED)


def built(command: Callable, /) -> Callable:
    """Give a command the options that say what is built, and how."""
    return with_options(command, BUILT)


def with_options(command: Callable, options: Iterable[Callable], /) -> Callable:
    """Give a command options, which its help shows in this order."""
    for option in reversed(tuple(options)):
        command = option(command)
    return command
