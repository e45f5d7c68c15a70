"""The command `lifecycle audit`."""

import click
from rich.console import Console

from python_helpers.audit.run import audit_alone
from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import readable
from python_helpers.core.folders import Folders
from python_helpers.core.log import say
from python_helpers.core.settings import Choices, resolve_settings


@click.command(
    cls=Command,
    examples=(
        "lifecycle audit",
        "lifecycle audit --warehouse trial/w.duckdb --publish-dir /srv/marts",
    ),
    exit_codes=(0, 2, 5, 6),
)
@options.places("warehouse", "publish_dir")
@options.choices("lock_wait", "engine")
def audit(*, folders: Folders, choices: Choices) -> None:
    """Audit the warehouse as it is, without publishing it.

    Its marts are those of the last build: tables of plain dbt, or of a refresh the live ones, after
    a blocked audit the refused ones. On Spark they are still those of the last build after a
    rollback. A refresh asks the same before it publishes. The suites in tests/expectations say what
    is expected, at which level, and why. Drift is measured against the live build in the folder of
    published builds.
    """
    log = options.log_of(folders)
    audited = audit_alone(settings=resolve_settings(folders, choices=choices), log=log)
    if audited.page:
        say(Console(), f"Open {readable(audited.page)} in a browser.")
