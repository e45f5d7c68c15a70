"""The command `lifecycle export`: parses, and calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console

from python_helpers.cli import help_texts
from python_helpers.cli.errors import errors_as_exit_codes
from python_helpers.cli.options import (
    DEBUG,
    EXPORT_DIR,
    LOG_FILE,
    MEMORY_LIMIT,
    POSTGRES_URL,
    PROJECT_DIR,
    PUBLISH_DIR,
    THREADS,
    WAIT,
)
from python_helpers.cli.report import counted, readable
from python_helpers.core.errors import SettingsError
from python_helpers.core.log import Log
from python_helpers.core.progress import say
from python_helpers.core.settings import Settings, default_log_file, resolve_settings
from python_helpers.export.run import export as run_export
from python_helpers.export.wanted import FORMATS, Export
from python_helpers.publishing.builds import read_manifest
from python_helpers.publishing.watch import Watch

OF_SETTINGS = ("project_dir", "publish_dir", "export_dir", "threads", "memory_limit")


@click.command(help=help_texts.EXPORT)
@click.option(
    "--format",
    "file_format",
    envvar="EXPORT_FORMAT",
    show_envvar=True,
    type=click.Choice(FORMATS),
    default="parquet",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--select",
    envvar="EXPORT_SELECT",
    show_envvar=True,
    multiple=True,
    metavar="SELECTION",
    help="Marts to export, in the selector syntax of dbt; may be given several times.  "
    "[default: all]",
)
@click.option(
    "--exclude",
    envvar="EXPORT_EXCLUDE",
    show_envvar=True,
    multiple=True,
    metavar="SELECTION",
    help="Marts to leave out of these.",
)
@click.option(
    "--build",
    "build_id",
    envvar="EXPORT_BUILD",
    show_envvar=True,
    metavar="BUILD_ID",
    help="The published build to export.  [default: the live one]",
)
@EXPORT_DIR
@click.option(
    "--keep-exports",
    envvar="KEEP_EXPORTS",
    show_envvar=True,
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Exports of the format to keep, this one included.",
)
@click.option(
    "--raw-text",
    envvar="EXPORT_RAW_TEXT",
    show_envvar=True,
    is_flag=True,
    help="In CSV, leave texts as they are. Without it a ' is put before a text that a spreadsheet "
    "would take for a formula.",
)
@POSTGRES_URL
@click.option(
    "--schema",
    envvar="POSTGRES_SCHEMA",
    show_envvar=True,
    default="marts",
    show_default=True,
    metavar="NAME",
    help="The schema in Postgres.",
)
@PUBLISH_DIR
@THREADS
@MEMORY_LIMIT
@WAIT
@LOG_FILE
@PROJECT_DIR
@DEBUG
def export(**options: object) -> None:
    """Export, then say where it is."""
    debug = options.pop("debug")
    with errors_as_exit_codes(debug=debug, folder_option="--export-dir"):
        settings = resolve_settings(
            **{name: options.pop(name) for name in OF_SETTINGS},
            debug=debug,
        )
        url = options["postgres_url"]
        log = Log(
            file=(
                options.pop("log_file") or default_log_file(project_dir=settings.project_dir)
            ).absolute(),
            secrets=(url,) if url else (),
        )
        for name in ("select", "exclude"):
            if any(not text.strip() for text in options[name]):
                raise SettingsError(f"--{name} is empty: leave it out to export every mart.")
        words = {
            name: tuple(word for text in options.pop(name) for word in text.split())
            for name in ("select", "exclude")
        }
        wanted = Export(
            **words,
            **{
                "export_dir": settings.export_dir,
                "publish_dir": settings.publish_dir,
                "wait": options.pop("lock_wait"),
                "keep": options.pop("keep_exports"),
            },
            **options,
        )
        show(exported=watched(wanted=wanted, settings=settings, log=log), console=Console())


def watched(*, wanted: Export, settings: Settings, log: Log) -> Path:
    """Export, and end in good order where a signal asks for it."""
    watch = Watch(
        console=Console(stderr=True),
        log=log,
        tell=lambda record: None,
        left="The export before is still there.",
    )
    # the thread that is told of signals has to be free for them: drivers of databases keep theirs
    with watch.limited(minutes=None), ThreadPoolExecutor(1) as worker:
        return worker.submit(
            run_export, wanted=wanted, settings=settings, log=log, watch=watch
        ).result()


def show(*, exported: Path, console: Console) -> None:
    """Say what was exported, and where it is."""
    manifest = read_manifest(build=exported)
    rows = sum(manifest["rows"].values())
    said = (
        f"{counted(len(manifest['rows']), 'mart', 'marts')} of build {manifest['build_id']}, "
        f"{counted(rows, 'row', 'rows')}"
    )
    server = manifest.get("postgres")
    if server:
        where = f"schema {server['schema']} of {server['database']} on {server['server']}"
    else:
        where = readable(exported.parent.parent / "current")
    say(console, f"Exported {said}, in {manifest['seconds']} s, to {where}.")
    if server:
        show_lost(server=server, console=console)


def show_lost(*, server: dict, console: Console) -> None:
    """Say what was in the schema and is no more."""
    if server["dropped"]:
        say(
            console,
            f"Dropped from schema {server['schema']}, since they were not selected: "
            f"{', '.join(server['dropped'])}. To keep some beside others, give them another schema "
            "with --schema.",
        )
    if server["not_kept"]:
        say(console, f"Went with the old tables: {', '.join(server['not_kept'])}.")
