"""The command `lifecycle export`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import counted, readable
from python_helpers.core.folders import Folders
from python_helpers.core.log import say
from python_helpers.core.settings import Choices, Resources, Settings, resolve_settings
from python_helpers.export.run import export as run_export
from python_helpers.export.wanted import Export
from python_helpers.export.workbook import MOST_ROWS
from python_helpers.publishing.builds import read_manifest
from python_helpers.publishing.watch import Watch

WANTED = options.described(
    Export,
    file_format="--format EXPORT_FORMAT: What to write.",
    select="--select SELECTION ... EXPORT_SELECT: Marts to export, in the selector syntax of dbt.  "
    "[default: all]",
    exclude="--exclude SELECTION ... EXPORT_EXCLUDE: Marts to leave out of these.",
    build_id="--build BUILD_ID EXPORT_BUILD: The published build to export.  "
    "[default: the live one]",
    keep="--keep-exports KEEP_EXPORTS: Exports of the format to keep, this one included.",
    raw_text="--raw-text EXPORT_RAW_TEXT: Leave texts in CSV as they are. Without this option, a "
    "text that a spreadsheet would read as a formula gets a ' before it.",
    with_identifiers="--with-identifiers EXPORT_WITH_IDENTIFIERS: Add e-mail address and name from "
    "the warehouse, for an import into a CRM; customers without an address, or who may not be "
    "contacted, are left out. Files that only their owner can read.",
    schema="--schema NAME POSTGRES_SCHEMA: The schema in Postgres.",
) | {"postgres_url": options.POSTGRES_URL}


@click.command(
    cls=Command,
    examples=(
        "lifecycle export",
        "lifecycle export --format csv --select marts.retention --exclude rpt_survival",
        "lifecycle export --format xlsx --select marts.headlines marts.retention",
        "lifecycle export --format csv --select dim_customer_360 --with-identifiers",
        "lifecycle export --build 20240701T060000Z --export-dir /srv/exports",
        "POSTGRES_URL=postgresql://etl:secret@db/bi lifecycle export --format postgres",
    ),
    exit_codes=(0, 2, 3, 6, 7),
)
@options.grouped("wanted", Export, WANTED)
@options.places("export_dir", "publish_dir", "warehouse", "log_file")
@options.resources()
@options.choices("lock_wait", "debug")
def export(
    *,
    wanted: Export,
    folders: Folders,
    resources: Resources,
    choices: Choices,
) -> None:
    """Write published marts as Parquet, CSV, a spreadsheet or Postgres tables.

    Files are in exports/FORMAT/current, one per mart or one spreadsheet, beside a manifest.json
    with checksums, rows and the meaning of each column. They change all at once, as the tables of a
    schema in Postgres do. After a failure the previous export is still there, whole; in Postgres,
    unless the message is about the folder of the manifest.

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
    if left_out := manifest.get("left_out"):
        say(
            console,
            f"Left out, because a sheet holds {MOST_ROWS:,} rows: {', '.join(left_out)}. Export "
            "them as Parquet or CSV.",
        )
    if server and server["dropped"]:
        say(
            console,
            f"Dropped from schema {server['schema']}, because they were not selected: "
            f"{', '.join(server['dropped'])}. Use --schema to keep selections side by side.",
        )
    if server and server["not_kept"]:
        say(console, f"Dropped with the old tables: {', '.join(server['not_kept'])}.")
