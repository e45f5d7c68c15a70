"""The command `lifecycle status`."""

from __future__ import annotations

import json

import click
from rich.console import Console

from python_helpers.cli.command import Command
from python_helpers.cli.options import ERASURES_DIR, PROJECT_DIR, PUBLISH_DIR, option, places
from python_helpers.cli.tables import show_status
from python_helpers.core.folders import Places, find_folders
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
@places(PUBLISH_DIR, ERASURES_DIR, PROJECT_DIR)
@option(
    "--json",
    "as_json",
    envvar="STATUS_JSON",
    is_flag=True,
    help="Print all of it as JSON, for programs.",
)
def status(*, places: Places, as_json: bool) -> None:
    """Show what is published: which build, how old, from what, and how many rows per mart.

    It also shows which builds are kept, what failed last, and whether a run is in progress.
    """
    folders = find_folders(places)
    facts = status_facts(publish_dir=folders.publish_dir, erasures_dir=folders.erasures_dir)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        show_status(facts=facts, console=Console())
    if not facts["live"]:
        raise click.ClickException(
            f"Nothing is published in {folders.publish_dir}: run refresh first."
        )
