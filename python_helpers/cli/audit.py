"""The command `lifecycle audit`."""

from __future__ import annotations

import click
from rich.console import Console

from python_helpers.audit.run import audit_alone
from python_helpers.cli.command import Command
from python_helpers.cli.options import PROJECT_DIR, PUBLISH_DIR, WAIT, WAREHOUSE, choices, places
from python_helpers.cli.tables import readable
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.log import Log, say
from python_helpers.core.settings import Choices, resolve_settings


@click.command(
    cls=Command,
    examples=(
        "lifecycle audit",
        "lifecycle audit --warehouse trial/w.duckdb --publish-dir /srv/marts",
    ),
    exit_codes=(0, 2, 5, 6),
)
@places(WAREHOUSE, PUBLISH_DIR, PROJECT_DIR)
@choices(WAIT)
@click.pass_context
def audit(context: click.Context, /, *, places: Places, choices: Choices) -> None:
    """Audit the warehouse as it is, as a refresh does before it publishes.

    Nothing is built or published. The suites in tests/expectations say what is expected, at which
    level, and why. Drift is measured against the live build in the folder of published builds.
    """
    folders = find_folders(places)
    context.obj = log = Log(file=folders.log_file)
    audited = audit_alone(settings=resolve_settings(folders, choices=choices), log=log)
    say(Console(), f"Open {readable(audited.page)} in a browser.")
