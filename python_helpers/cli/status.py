"""The command `lifecycle status`."""

import json
import re
from typing import Any

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import show_status
from python_helpers.core.folders import Folders
from python_helpers.publishing.status import status_facts

SECONDS = {"m": 60, "h": 3600, "d": 86_400}
TOO_OLD = 9


class Age(click.ParamType):
    """An age in seconds, written like 90m, 26h or 2d."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number of minutes, hours or days."""
        found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", str(value).strip())
        if not found:
            self.fail(f"{value!r} is not an age like 90m, 26h or 2d.", param, ctx)
        return int(found[1]) * SECONDS[found[2]]


@click.command(
    cls=Command,
    examples=(
        "lifecycle status",
        "lifecycle status --publish-dir /srv/marts",
        "lifecycle status --json",
        "lifecycle status --max-age 26h",
    ),
    exit_codes=(0, 1, 2, TOO_OLD),
)
@options.places("publish_dir", "erasures_dir")
@options.option(
    "--json",
    "as_json",
    envvar="STATUS_JSON",
    is_flag=True,
    help="Print all of it as JSON, for programs.",
)
@options.option(
    "--max-age",
    envvar="STATUS_MAX_AGE",
    type=Age(),
    metavar="AGE",
    help="End with exit code 9 if the live build was built longer ago, such as 90m, 26h or 2d. For "
    "a monitor, which also notices a refresh that never started.",
)
def status(*, folders: Folders, as_json: bool, max_age: int | None) -> None:
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
    age = facts["live"]["age_seconds"]
    if max_age and (age is None or age > max_age):
        known = "of unknown age" if age is None else f"{age / 3600:.1f} h old"
        failure = click.ClickException(
            f"Build {facts['live']['build_id']} is {known}, and --max-age is {max_age / 3600:.3g} "
            "h. Did the refresh run? builds.jsonl and the log have its last outcome."
        )
        failure.exit_code = TOO_OLD  # type: ignore[misc]  # click reads it from the instance
        raise failure
