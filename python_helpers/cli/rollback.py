"""The command `lifecycle rollback`."""

from dataclasses import replace
from typing import Any

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.core.folders import Folders
from python_helpers.core.log import Log, say
from python_helpers.core.settings import SPARK, Choices, resolve_settings
from python_helpers.publishing.builds import make_live
from python_helpers.publishing.rollback import roll_back
from python_helpers.spark.publish import go_live as go_live_on_spark
from python_helpers.spark.publish import is_on_spark
from python_helpers.spark.session import session_of


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
    log = Log(file=folders.log_file)

    def go_live(**where: Any) -> None:
        """Make a build live: under the lock, because a refresh may have the catalog open."""
        if is_on_spark(where["build"]):
            settings = replace(resolve_settings(folders), engine=SPARK)
            go_live_on_spark(session=session_of(settings=settings), log=log, **where)
        else:
            make_live(**where)

    build, before = roll_back(
        publish_dir=folders.publish_dir, to=to, log=log, wait=choices.lock_wait, go_live=go_live
    )
    say(Console(), f"Build {build.name} is live; it was {before.name if before else 'none'}.")
