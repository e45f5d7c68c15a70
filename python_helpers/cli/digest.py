"""The command `lifecycle digest`."""

from pathlib import Path

import click

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.core.errors import PublishError
from python_helpers.core.folders import Folders
from python_helpers.digest.digest import make_digest
from python_helpers.digest.written import FORMATS, written


@click.command(
    cls=Command,
    examples=(
        "lifecycle digest",
        "lifecycle digest --full --accounts",
        "lifecycle digest --format html --output digest.html",
        "lifecycle digest --format json | curl -H 'Content-Type: application/json' -d @- \"$URL\"",
    ),
    exit_codes=(0, 2, 3),
)
@options.option(
    "--format",
    "as_format",
    envvar="DIGEST_FORMAT",
    type=click.Choice(FORMATS),
    default="text",
    help="Text, HTML for an e-mail, or JSON for the webhook of a chat.",
)
@options.option(
    "--output",
    envvar="DIGEST_OUTPUT",
    type=options.FILE,
    metavar="FILE",
    help="The file to write.  [default: standard output]",
)
@options.build_of("DIGEST_BUILD", what="to tell of")
@options.option(
    "--full",
    "is_full",
    envvar="DIGEST_FULL",
    is_flag=True,
    help="Also say what the build before said: every section, whether or not anything is new.",
)
@options.option(
    "--accounts",
    "has_accounts",
    envvar="DIGEST_ACCOUNTS",
    is_flag=True,
    help="Name the five customers whose recurring revenue moved most, by customer_id. Without this "
    "option a digest has nothing of any one customer.",
)
@options.places("publish_dir")
def digest(
    *,
    folders: Folders,
    as_format: str,
    output: Path | None,
    build_id: str | None,
    is_full: bool,
    has_accounts: bool,
) -> None:
    """Say what moved since the last build and in the last month.

    Changes of rates come first that are more than chance: those whose 95 % interval leaves out 0.
    Then recurring revenue, cohorts that differ from those before, restated months and new warnings.
    What the build before said as well is left out; if nothing is new, one line says so.
    """
    made = make_digest(
        publish_dir=folders.publish_dir,
        build_id=build_id,
        has_accounts=has_accounts,
        is_full=is_full,
    )
    text = written(made, as_format=as_format)
    if not output:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PublishError(
            f"{output} cannot be written: {error.strerror}. Name another file with --output."
        ) from error
