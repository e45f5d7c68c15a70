"""The command `lifecycle` and its version."""

import click

from python_helpers.cli.audit import audit
from python_helpers.cli.check import check
from python_helpers.cli.command import EXIT_CODES, Commands
from python_helpers.cli.digest import digest
from python_helpers.cli.docs import docs
from python_helpers.cli.erase import erase
from python_helpers.cli.export import export
from python_helpers.cli.refresh import refresh
from python_helpers.cli.report import report
from python_helpers.cli.rollback import rollback
from python_helpers.cli.status import status
from python_helpers.core.folders import find_project_dir, project_version


def show_version(context: click.Context, option: click.Parameter, is_asked: bool) -> None:
    """Print the version of the project, then end."""
    if is_asked:
        click.echo(f"lifecycle {project_version(find_project_dir(chosen=None))}")
        context.exit()


@click.group(
    cls=Commands,
    commands=(check, refresh, audit, status, digest, rollback, report, export, erase, docs),
    examples=(
        "lifecycle refresh                           from the sample in the project",
        "lifecycle refresh --raw-data ~/deliveries   from your CSV or Parquet files",
        "lifecycle status                            what is published, how old it is",
    ),
    exit_codes=tuple(EXIT_CODES),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    epilog="Each command has its own --help, with its options and their environment variables.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Build the customer-lifecycle warehouse and publish its marts.

    A refresh builds every model, runs every test, audits the result against the build published
    before and, only if all of that passes, publishes the marts in one atomic step.
    """
