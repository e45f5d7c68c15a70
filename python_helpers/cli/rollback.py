"""The command `lifecycle rollback`."""

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.core.folders import Folders
from python_helpers.core.log import Log, say
from python_helpers.core.settings import Choices
from python_helpers.publishing.rollback import roll_back


@click.command(
    cls=Command,
    examples=("lifecycle rollback", "lifecycle rollback --to 20240701T060000Z"),
    exit_codes=(0, 2, 3, 6),
)
@options.option(
    "--to",
    envvar="ROLLBACK_TO",
    metavar="BUILD_ID",
    help="The build to make live.  [default: the one before the live one]",
)
@options.places("publish_dir", "log_file")
@options.choices("lock_wait")
def rollback(*, to: str | None, folders: Folders, choices: Choices) -> None:
    """Make an earlier build the live one.

    Its files are checked first, and it goes live in one step. Without --to it is the newest build
    before the live one that was not taken back itself. The next refresh publishes as usual.
    """
    build, before = roll_back(
        publish_dir=folders.publish_dir,
        to=to,
        log=Log(file=folders.log_file),
        wait=choices.lock_wait,
    )
    say(Console(), f"Build {build.name} is live; it was {before.name if before else 'none'}.")
