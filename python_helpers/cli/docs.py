"""The command `lifecycle docs`."""

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import readable
from python_helpers.core.folders import Folders
from python_helpers.core.log import say
from python_helpers.core.settings import Inputs, resolve_settings
from python_helpers.warehouse.docs import write_docs


@click.command(
    cls=Command,
    examples=("lifecycle docs", "lifecycle docs --raw-data ~/deliveries"),
    exit_codes=(0, 1, 2, 4, 6),
    failed="No page was written.",
)
@options.inputs("raw_input", "raw_data")
@options.places("warehouse", "erasures_dir")
def docs(*, inputs: Inputs, folders: Folders) -> None:
    """Write the documentation of every table as one HTML page.

    The page has the lineage and needs no server. It describes the warehouse as it is; a missing
    warehouse is built first, without publishing it. Use the settings it was built with: the page
    shows them in the lineage and in the SQL.
    """
    log = options.log_of(folders)
    page = write_docs(settings=resolve_settings(folders, inputs=inputs), log=log)
    say(Console(), f"Open {readable(page)} in a browser.")
