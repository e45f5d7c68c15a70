"""The command `lifecycle erase`: parses, asks, and calls."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import click
from rich.console import Console

from python_helpers.cli.command import Command
from python_helpers.cli.options import (
    ERASURES_DIR,
    EXPORT_DIR,
    LOG_FILE,
    POSTGRES_URL,
    PROJECT_DIR,
    PUBLISH_DIR,
    RAW_DATA,
    WAIT,
    WAREHOUSE,
    choices,
    inputs,
    places,
)
from python_helpers.cli.tables import counted, readable
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.log import Log, say
from python_helpers.core.settings import Choices, Inputs, Settings, resolve_settings
from python_helpers.delivery.erasures import checked_ids
from python_helpers.erase.run import Erased, Found, find
from python_helpers.erase.run import erase as run_erase

HEADER = "customer_id"


class CustomerId(click.types.StringParamType):
    """An id, which may have blanks in it: in the variable, there is one per line."""

    envvar_list_splitter = "\n"


@click.command(
    cls=Command,
    examples=(
        "lifecycle erase --customers forget.txt --dry-run    where are they?",
        "lifecycle erase --customers forget.txt",
        "lifecycle erase --customer C0000042 --yes",
    ),
    exit_codes=(0, 2, 3, 6),
)
@click.option(
    "--customer",
    "customers",
    envvar="ERASE_CUSTOMER",
    show_envvar=True,
    multiple=True,
    type=CustomerId(),
    metavar="ID",
    help="The id of a person; may be given several times. Other users see a command line, and the "
    "shell remembers it: --customers keeps the id out of both.",
)
@click.option(
    "--customers",
    "file",
    envvar="ERASE_CUSTOMERS",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="A file with an id per line, or a CSV file with a column customer_id; - is the input.",
)
@click.option(
    "--dry-run",
    envvar="ERASE_DRY_RUN",
    show_envvar=True,
    is_flag=True,
    help="Say where the people are, and change nothing.",
)
@click.option(
    "--yes",
    "is_sure",
    envvar="ERASE_YES",
    show_envvar=True,
    is_flag=True,
    help="Do not ask; needed where there is no terminal.",
)
@inputs(RAW_DATA)
@places(WAREHOUSE, PUBLISH_DIR, EXPORT_DIR, ERASURES_DIR, LOG_FILE, PROJECT_DIR)
@POSTGRES_URL
@choices(WAIT)
def erase(
    customers: tuple[str, ...],
    file: Path | None,
    dry_run: bool,
    is_sure: bool,
    postgres_url: str | None,
    folders: Folders,
    inputs: Inputs,
    choices: Choices,
) -> None:
    """Erase people from the warehouse, every kept build, exports, logs and later deliveries.

    Totals stay.

    The person's id becomes another one that says nothing, and what names the person becomes the
    word `erased`; orders, dates and segments stay. The list of the erased holds a keyed hash of
    each id, so that staging knows them again. The delivered files belong to their owner: the
    command says in which of them the people still are. With POSTGRES_URL set, what was exported to
    that database is exported again; other databases are named. Run again what was ended before it
    was done.
    """
    ids = checked_ids([*customers, *(ids_in(file) if file else ())])
    settings = resolve_settings(folders, inputs=inputs, choices=choices)
    hidden = secrets_of(postgres_url)
    console = Console()
    if dry_run:
        show_found(find(settings=settings, ids=ids), console=console)
        return
    confirm(people=len(ids), is_sure=is_sure, settings=settings)
    secrets = (*ids, *hidden) if len(ids) < 100 else hidden
    log = Log(file=settings.log_file, secrets=secrets)
    erased = run_erase(settings=settings, ids=ids, log=log, postgres_url=postgres_url)
    show_erased(erased, people=len(ids), console=console)


def secrets_of(url: str | None, /) -> tuple[str, ...]:
    """List what nobody may see of an address, before anything is done. Raises SettingsError."""
    if not url:
        return ()
    # here and not above: who exports to no server needs no driver
    from python_helpers.export.postgres.server import checked_address

    return checked_address(url=url).secrets


def ids_in(file: Path, /) -> list[str]:
    """Read ids from a file. Raises SettingsError."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8: convert it first.") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}).") from error
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    if HEADER in [name.strip(' "\r').lower() for name in header.split(delimiter)]:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        place = [name.strip().lower() for name in next(rows)].index(HEADER)
        found = [row[place] if len(row) > place else "" for row in rows if row]
    else:
        found = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    if not found:
        raise SettingsError(f"{file} names nobody.")
    return found


def confirm(*, people: int, is_sure: bool, settings: Settings) -> None:
    """Ask, on a terminal; elsewhere somebody has to have said yes. Raises click.Abort."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("It cannot be undone: add --yes, or look first with --dry-run.")
    click.confirm(
        f"Erase {counted(people, 'person', 'people')} from {settings.warehouse}, from what is in "
        f"{settings.publish_dir} and {settings.export_dir}, and from every later delivery? "
        "It cannot be undone.",
        abort=True,
    )


def show_found(found: Found, /, *, console: Console) -> None:
    """Say where people are."""
    for place, tables in found.places.items():
        say(console, f"{readable(Path(place))}:")
        for table, rows in tables.items():
            say(console, f"  {table}  {counted(rows, 'row', 'rows')}")
    if not found.places:
        say(console, "Nothing that is kept has a row of them.")
    for place in found.exported_to:
        say(console, f"Exported to Postgres, where nobody has looked: {place}.")
    show_deliveries(found, console=console)


def show_deliveries(found: Found, /, *, console: Console) -> None:
    """Say which delivered files have them: these are not ours to change."""
    if found.deliveries:
        say(console, "Still in the delivery, which is for its owner to change:")
        for file, rows in found.deliveries.items():
            say(console, f"  {readable(Path(file))}  {counted(rows, 'row', 'rows')}")


def show_erased(erased: Erased, /, *, people: int, console: Console) -> None:
    """Say what was done."""
    who = counted(people, "person", "people")
    if erased.found.places:
        say(console, f"Erased {who}: {erased.found.rows:,} rows have another id now.")
    else:
        say(console, f"Nothing that is kept has a row of them. On the list: {who}.")
    say(console, f"Written anew or removed: {len(erased.rewritten)} files, folders and builds.")
    show_deliveries(erased.found, console=console)
    if erased.strays:
        say(console, f"Warning: {erased.strays.said()}")
    say(
        console,
        "Later deliveries bring nobody back. Not reached: files that readers have open, until they "
        "close them; copies, snapshots and backups made elsewhere.",
    )
