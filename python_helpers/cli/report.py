"""The command `lifecycle report`."""

from pathlib import Path

import click

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import readable
from python_helpers.core.folders import Folders
from python_helpers.core.settings import Resources, resolve_settings
from python_helpers.report.run import report as run_report


@click.command(
    cls=Command,
    examples=(
        "lifecycle report",
        "lifecycle report --build 20240701T060000Z --output june.html",
        "lifecycle report --chart cohorts --output cohorts.svg",
    ),
    exit_codes=(0, 2, 3),
)
@options.build_of("REPORT_BUILD", what="to show")
@options.option(
    "--output",
    envvar="REPORT_OUTPUT",
    type=options.FILE,
    help="The file to write.  [default: report.html, or CHART.svg]",
)
@options.option(
    "--chart",
    envvar="REPORT_CHART",
    metavar="CHART",
    help="Draw one chart alone, as SVG or PNG, by the ending of --output. A wrong name lists them.",
)
@options.places("publish_dir")
@options.resources()
def report(
    *,
    build_id: str | None,
    output: Path | None,
    chart: str | None,
    folders: Folders,
    resources: Resources,
) -> None:
    """Write the report of a published build: one page of charts, to open in a browser.

    A refresh writes it into the build it publishes: published/current/report.html. The page needs
    no network, and shows no customer's id, name or comment.
    """
    settings = resolve_settings(folders, resources=resources)
    written = run_report(settings=settings, build_id=build_id, output=output, chart=chart)
    click.echo(f"Wrote {readable(written)}.")
