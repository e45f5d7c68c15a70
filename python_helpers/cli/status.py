"""The command `lifecycle status`."""

import json

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import show_status
from python_helpers.core.folders import Folders
from python_helpers.publishing.status import status_facts


@click.command(
    cls=Command,
    examples=(
        "lifecycle status",
        "lifecycle status --publish-dir /srv/marts",
        "lifecycle status --json",
    ),
    exit_codes=(0, 1, 2),
)
@options.places("publish_dir", "erasures_dir")
@options.option(
    "--json",
    "as_json",
    envvar="STATUS_JSON",
    is_flag=True,
    help="Print all of it as JSON, for programs.",
)
def status(*, folders: Folders, as_json: bool) -> None:
    """Show what is published, how old it is, and what failed last.

    It also shows the rows per mart, which builds are kept, and whether a run is in progress.
    """
    facts = status_facts(publish_dir=folders.publish_dir, erasures_dir=folders.erasures_dir)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        show_status(facts=facts, console=Console())
    if not facts["live"]:
        raise click.ClickException(
            f"Nothing is published in {folders.publish_dir}: run refresh first."
        )
