"""The command `lifecycle export`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command, words_of
from python_helpers.cli.tables import counted, readable
from python_helpers.core.folders import Folders
from python_helpers.core.log import say
from python_helpers.core.settings import Choices, Resources, Settings, resolve_settings
from python_helpers.export.run import export as run_export
from python_helpers.export.wanted import FORMATS, Export
from python_helpers.publishing.builds import read_manifest
from python_helpers.publishing.watch import Watch

WANTED = (
    options.option(
        "--format",
        "file_format",
        envvar="EXPORT_FORMAT",
        type=click.Choice(FORMATS),
        default="parquet",
        help="What to write.",
    ),
    options.option(
        "--select",
        multiple=True,
        callback=words_of,
        envvar="EXPORT_SELECT",
        metavar="SELECTION ...",
        help="Marts to export, in the selector syntax of dbt.  [default: all]",
    ),
    options.option(
        "--exclude",
        multiple=True,
        callback=words_of,
        envvar="EXPORT_EXCLUDE",
        metavar="SELECTION ...",
        help="Marts to leave out of these.",
    ),
    options.option(
        "--build",
        "build_id",
        envvar="EXPORT_BUILD",
        metavar="BUILD_ID",
        help="The published build to export.  [default: the live one]",
    ),
    options.option(
        "--keep-exports",
        "keep",
        envvar="KEEP_EXPORTS",
        type=click.IntRange(min=1),
        default=5,
        help="Exports of the format to keep, this one included.",
    ),
    options.option(
        "--raw-text",
        envvar="EXPORT_RAW_TEXT",
        is_flag=True,
        help="Leave texts in CSV as they are. Without this option, a text that a spreadsheet would "
        "read as a formula gets a ' before it.",
    ),
    options.POSTGRES_URL,
    options.option(
        "--schema",
        envvar="POSTGRES_SCHEMA",
        default="marts",
        metavar="NAME",
        help="The schema in Postgres.",
    ),
)


@click.command(
    cls=Command,
    examples=(
        "lifecycle export",
        "lifecycle export --format csv --select marts.retention --exclude rpt_survival",
        "lifecycle export --build 20240701T060000Z --export-dir /srv/exports",
        "POSTGRES_URL=postgresql://etl:secret@db/bi lifecycle export --format postgres",
    ),
    exit_codes=(0, 2, 3, 6, 7),
)
@options.grouped("wanted", Export, *WANTED)
@options.places(options.EXPORT_DIR, options.PUBLISH_DIR, options.LOG_FILE)
@options.resources()
@options.choices(options.WAIT, options.DEBUG)
def export(
    *,
    wanted: Export,
    folders: Folders,
    resources: Resources,
    choices: Choices,
) -> None:
    """Write published marts as Parquet, CSV or Postgres tables.

    Files are in exports/FORMAT/current, one per mart, beside a manifest.json with checksums, rows
    and the meaning of each column. They change all at once, as the tables of a schema in Postgres
    do. After a failure the previous export is still there, whole; in Postgres, unless the message
    is about the folder of the manifest.

    A selection is in the syntax of dbt; nodes in it that are not published marts are left out. Each
    export replaces the previous one: in Postgres, marts that are no longer selected are dropped.
    """
    url = wanted.postgres_url
    log = options.log_of(folders, secrets=(url,) if url else ())
    settings = resolve_settings(folders, resources=resources, choices=choices)
    watch = Watch(log=log, left="The previous export is still there.")
    show(exported=watched(watch, wanted=wanted, settings=settings), console=Console())


def watched(watch: Watch, /, *, wanted: Export, settings: Settings) -> Path:
    """Export, and end in good order where a signal asks for it."""
    # drivers of databases block their thread, and signals need the main one
    with watch.limited(minutes=None), ThreadPoolExecutor(1) as worker:
        return worker.submit(
            run_export, wanted=wanted, settings=settings, log=watch.log, watch=watch
        ).result()


def show(*, exported: Path, console: Console) -> None:
    """Say what was exported, and where it is."""
    manifest = read_manifest(build=exported)
    server: dict[str, Any] | None = manifest.get("postgres")
    where = readable(exported.parent.parent / "current")
    if server:
        where = f"schema {server['schema']} of {server['database']} on {server['server']}"
    marts = counted(len(manifest["rows"]), "mart", "marts")
    rows = counted(sum(manifest["rows"].values()), "row", "rows")
    build, seconds = manifest["build_id"], manifest["seconds"]["export"]
    say(console, f"Exported {marts} of build {build}, {rows}, in {seconds} s, to {where}.")
    if server and server["dropped"]:
        say(
            console,
            f"Dropped from schema {server['schema']}, because they were not selected: "
            f"{', '.join(server['dropped'])}. Use --schema to keep selections side by side.",
        )
    if server and server["not_kept"]:
        say(console, f"Dropped with the old tables: {', '.join(server['not_kept'])}.")
