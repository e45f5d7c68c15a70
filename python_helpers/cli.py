"""The command line: parses, calls, and turns errors into one line and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from python_helpers import help_texts
from python_helpers.audit import AuditError
from python_helpers.audit import audit as run_audit
from python_helpers.build import BuildError
from python_helpers.delivery import RawDataError
from python_helpers.docs import write_docs
from python_helpers.progress import say
from python_helpers.published import PublishError
from python_helpers.refresh import refresh as run_refresh
from python_helpers.report import readable, show_headlines, show_how_to_open, show_status
from python_helpers.settings import (
    RAW_INPUTS,
    SettingsError,
    default_publish_dir,
    find_project_dir,
    resolve_settings,
)

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


@click.group(
    help=help_texts.MAIN,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has its own --help, with its options and their environment variables.",
)
def main() -> None:
    """Hold the commands."""


@main.command(help=help_texts.REFRESH)
@RAW_INPUT
@RAW_DATA
@WAREHOUSE
@PUBLISH_DIR
@click.option(
    "--as-of",
    envvar="AS_OF_DATE",
    show_envvar=True,
    metavar="YYYY-MM-DD",
    help="The day whose end the warehouse shows.  "
    "[default: yesterday, or the last event in the data if that is earlier]",
)
@click.option(
    "--reporting-currency",
    envvar="REPORTING_CURRENCY",
    show_envvar=True,
    metavar="CODE",
    help="Currency all amounts are converted to, such as EUR.  "
    "[default: the one currency of the data]",
)
@click.option(
    "--full-refresh",
    envvar="DBT_FULL_REFRESH",
    show_envvar=True,
    is_flag=True,
    help="Drop and rebuild every table; needed after a column was added to a seed.",
)
@click.option(
    "--threads",
    envvar="THREADS",
    show_envvar=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Cores DuckDB may use.  [default: all of this machine]",
)
@click.option(
    "--memory-limit",
    envvar="MEMORY_LIMIT",
    show_envvar=True,
    metavar="SIZE",
    help="Memory DuckDB may use, such as 8GB; beyond it, DuckDB spills to disk.  "
    "[default: the one in the profile, 4GB]",
)
@click.option(
    "--vars",
    "dbt_vars",
    envvar="VARS",
    show_envvar=True,
    metavar="YAML",
    help="dbt vars of this run, such as '{default_margin_rate: 0.4}'.",
)
@click.option(
    "--keep-builds",
    envvar="KEEP_BUILDS",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Published builds to keep, the live one included.",
)
@click.option(
    "--skip-audit",
    envvar="SKIP_AUDIT",
    show_envvar=True,
    is_flag=True,
    help="Publish without the audit; the manifest says so. For a build that was looked at and is "
    "right although it was blocked.",
)
@PROJECT_DIR
@click.option(
    "--debug",
    envvar="DBT_DEBUG",
    show_envvar=True,
    is_flag=True,
    help="Show all that dbt does, and the stack trace of an error.",
)
@click.pass_context
def refresh(context: click.Context, /, **options: object) -> None:
    """Refresh, then show the numbers of what was published."""
    with errors_as_exit_codes(debug=bool(options["debug"])):
        settings = resolve_settings(**with_raw_input(context, options))
        published = run_refresh(settings=settings, console=Console(stderr=True))
        output = Console()
        show_headlines(published=published, console=output)
        show_how_to_open(publish_dir=settings.publish_dir, published=published, console=output)


@main.command(help=help_texts.AUDIT)
@WAREHOUSE
@PUBLISH_DIR
@PROJECT_DIR
def audit(**options: object) -> None:
    """Audit the warehouse, then say where the page is."""
    with errors_as_exit_codes(debug=False, unaudited="The warehouse is not fit to publish."):
        audited = run_audit(settings=resolve_settings(**options), console=Console(stderr=True))
        say(Console(), f"Open {readable(audited.page)} in a browser.")


@main.command(help=help_texts.STATUS)
@PUBLISH_DIR
@PROJECT_DIR
def status(publish_dir: Path | None, project_dir: Path | None) -> None:
    """Show the live build."""
    with errors_as_exit_codes(debug=False, publish_error_code=1):
        if not publish_dir:
            publish_dir = default_publish_dir(project_dir=find_project_dir(chosen=project_dir))
        show_status(publish_dir=publish_dir.absolute(), console=Console())


@main.command(help=help_texts.DOCS)
@RAW_INPUT
@RAW_DATA
@WAREHOUSE
@PROJECT_DIR
@click.pass_context
def docs(context: click.Context, /, **options: object) -> None:
    """Write the documentation, then say where it is."""
    with errors_as_exit_codes(debug=False, unbuilt="No page was written."):
        settings = resolve_settings(**with_raw_input(context, options))
        page = write_docs(settings=settings, console=Console(stderr=True))
        say(Console(), f"Open {readable(page)} in a browser.")


def with_raw_input(context: click.Context, options: dict[str, object], /) -> dict[str, object]:
    """Let `--raw-data`, given itself, beat the variable of `--raw-input`.

    Raises UsageError where both are given and do not go together.
    """
    said = {
        option
        for option in ("raw_data", "raw_input")
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE
    }
    if "raw_data" not in said or options["raw_input"] in (None, "files"):
        return options
    if "raw_input" in said:
        raise click.UsageError("--raw-data goes with --raw-input files only.")
    return options | {"raw_input": None}


@contextmanager
def errors_as_exit_codes(
    *,
    debug: bool,
    publish_error_code: int = 3,
    unbuilt: str = "Nothing was published.",
    unaudited: str = "Nothing was published: the audit blocked it.",
) -> Iterator[None]:
    """End with a message and an exit code; with debug, let the stack trace be seen."""
    try:
        yield
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        if isinstance(error, SettingsError):
            raise failure(str(error), exit_code=2) from error
        if isinstance(error, RawDataError):
            raise failure(f"{unbuilt}\n{error}", exit_code=4) from error
        if isinstance(error, BuildError):
            raise failure(f"{unbuilt}\n{error}", exit_code=1) from error
        if isinstance(error, AuditError):
            raise failure(f"{unaudited}\n{error}", exit_code=5) from error
        if isinstance(error, PublishError):
            advice = ""
            if isinstance(error.__cause__, OSError):
                advice = " Name another folder with --publish-dir."
            raise failure(f"{error}{advice}", exit_code=publish_error_code) from error
        raise failure(
            f"{type(error).__name__}: {error} (--debug shows where it comes from)", exit_code=1
        ) from error


def failure(message: str, /, *, exit_code: int) -> click.ClickException:
    """Make an error that click prints before it ends with this exit code."""
    error = click.ClickException(message)
    error.exit_code = exit_code
    return error
