"""The command `lifecycle erase`: parses, asks, and calls."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import counted
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.log import say
from python_helpers.core.settings import (
    SPARK,
    Choices,
    Inputs,
    Resources,
    Settings,
    resolve_settings,
)
from python_helpers.delivery.erasures import checked_ids
from python_helpers.erase.exports import secrets_of
from python_helpers.erase.people import CUSTOMER_ID, known_ids
from python_helpers.erase.search import Place, Whose
from python_helpers.operate.erasure import NOT_ON_SPARK, find, inputs_as_before
from python_helpers.operate.erasure import erase as run_erase


class CustomerId(click.types.StringParamType):
    """An id, which may have blanks in it: the variable has one per line."""

    envvar_list_splitter = "\n"


@click.command(
    cls=Command,
    examples=(
        "lifecycle erase --customers forget.txt --dry-run    where are they?",
        "lifecycle erase --customers forget.txt",
        "lifecycle erase --customer C0000042 --yes",
    ),
    exit_codes=(0, 1, 2, 3, 4, 5, 6, 8),
)
@options.option(
    "--customer",
    "customers",
    envvar="ERASE_CUSTOMER",
    multiple=True,
    type=CustomerId(),
    metavar="ID",
    help="The id of a customer, the one in the system that the data comes from, or an e-mail "
    "address; may be given several times. Other users can see a command line, and the shell "
    "remembers it: --customers keeps the id out of both.",
)
@options.option(
    "--customers",
    "file",
    envvar="ERASE_CUSTOMERS",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="A file with one id per line, or a CSV file with a column customer_id; - reads the input.",
)
@options.option(
    "--dry-run",
    envvar="ERASE_DRY_RUN",
    is_flag=True,
    help="Say where the customers are, and change nothing.",
)
@options.option(
    "--yes",
    "is_sure",
    envvar="ERASE_YES",
    is_flag=True,
    help="Do not ask; required without a terminal.",
)
@options.inputs()
@options.places("warehouse", "publish_dir", "export_dir", "erasures_dir", "log_file")
@options.POSTGRES_URL
@options.resources()
@options.choices()
def erase(
    customers: tuple[str, ...],
    file: Path | None,
    dry_run: bool,
    is_sure: bool,
    postgres_url: str | None,
    folders: Folders,
    inputs: Inputs,
    resources: Resources,
    choices: Choices,
) -> None:
    """Erase customers from everything that is kept, and from every later delivery.

    The ids go on a list that every build applies. Then the warehouse is built anew from the same
    input, audited and published; kept builds are rewritten, exports are written again, records and
    logs are cleaned, and everything is searched. Totals stay: a random id replaces the customer's,
    and the word `erased` replaces e-mail address, name and comments.

    Unless you say otherwise, input, as-of date and currency are those of the live build. With
    POSTGRES_URL set, what was exported to that database is exported again. Delivered files and
    tables that others load are named, not changed. If the command is interrupted, run it again.
    """
    ids = checked_ids([*customers, *(ids_in(file) if file else ())])
    if choices.engine == SPARK:
        raise SettingsError(NOT_ON_SPARK)
    inputs = inputs_as_before(inputs, folders=folders)
    settings = resolve_settings(folders, inputs=inputs, resources=resources, choices=choices)
    ids = known_ids(ids, settings=settings)
    hidden = secrets_of(postgres_url)
    if dry_run:
        found, servers = find(settings=settings, ids=ids)
        show("Would be rewritten:", of(Whose.OURS, found) or ["nothing"])
        show("Would be exported again:", servers)
        show_left(found)
        return
    confirm(people=len(ids), is_sure=is_sure, settings=settings)
    log = options.log_of(folders, secrets=(*ids, *hidden) if len(ids) < 100 else hidden)
    changed, left = run_erase(settings=settings, ids=ids, log=log, postgres_url=postgres_url)
    who = counted(len(ids), "customer", "customers")
    show(f"Erased {who}. Rewritten or removed:", changed or ["nothing"])
    show_left(left)


def ids_in(file: Path, /) -> list[str]:
    """Read ids from a file. Raises SettingsError."""
    try:
        with click.open_file(str(file), encoding="utf-8-sig") as opened:
            lines = opened.read().split("\n")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8: convert it first.") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}).") from error
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise SettingsError(f"{file} has no ids.")
    delimiter = max(",;\t", key=lines[0].count)
    header, *rows = csv.reader(lines, delimiter=delimiter)
    names = [name.strip().lower() for name in header]
    if CUSTOMER_ID not in names:
        return lines
    return [dict(zip(names, row, strict=False)).get(CUSTOMER_ID, "") for row in rows]


def confirm(*, people: int, is_sure: bool, settings: Settings) -> None:
    """Ask, on a terminal; elsewhere --yes has to be given. Raises click.Abort and UsageError."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("This cannot be undone: add --yes, or look first with --dry-run.")
    click.confirm(
        f"Erase {counted(people, 'customer', 'customers')} from {settings.warehouse}, from what is "
        f"in {settings.publish_dir} and {settings.export_dir}, and from every later delivery? "
        "This cannot be undone.",
        abort=True,
    )


def show_left(found: list[Place], /) -> None:
    """Say what is left to others."""
    show("Still in the delivery, which its owner has to change:", of(Whose.DELIVERY, found))
    show("In tables that others load:", of(Whose.TABLE, found))
    show("In files of others:", of(Whose.FILE, found))
    show("Warning: these files cannot be searched, look yourself:", of(Whose.UNREADABLE, found))


def of(whose: Whose, found: list[Place], /) -> list[Place]:
    """Return the places that belong to somebody."""
    return [each for each in found if each.whose == whose]


def show(said: str, lines: Sequence[object], /) -> None:
    """Print something of several things, if there are any."""
    for line in (said, *(f"  {each}" for each in lines)) if lines else ():
        say(Console(), line)
