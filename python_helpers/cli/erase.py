"""The command `lifecycle erase`: parses, asks, and calls."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import click
from rich.console import Console

from python_helpers.cli import help_texts
from python_helpers.cli.errors import errors_as_exit_codes
from python_helpers.cli.options import (
    ERASURES_DIR,
    EXPORT_DIR,
    LOG_FILE,
    POSTGRES_URL,
    PROJECT_DIR,
    PUBLISH_DIR,
    RAW_DATA,
    RAW_INPUT,
    WAIT,
    WAREHOUSE,
    built,
    with_raw_input,
)
from python_helpers.cli.report import counted
from python_helpers.core.errors import SettingsError
from python_helpers.core.log import Log
from python_helpers.core.progress import say
from python_helpers.core.settings import (
    Settings,
    chosen_publish_dir,
    default_log_file,
    resolve_settings,
)
from python_helpers.delivery.erasures import checked_ids
from python_helpers.erase.search import Place, Whose
from python_helpers.operate.erasure import erase as run_erase
from python_helpers.operate.erasure import find, options_of_live_build

HEADER = "customer_id"


class CustomerId(click.types.StringParamType):
    """An id, which may have blanks in it: the variable has one per line."""

    envvar_list_splitter = "\n"


@click.command(help=help_texts.ERASE)
@click.option(
    "--customer",
    "customers",
    envvar="ERASE_CUSTOMER",
    show_envvar=True,
    multiple=True,
    type=CustomerId(),
    metavar="ID",
    help="The id of a customer; may be given several times. Other users can see a command line, "
    "and the shell remembers it: --customers keeps the id out of both.",
)
@click.option(
    "--customers",
    "file",
    envvar="ERASE_CUSTOMERS",
    show_envvar=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="A file with one id per line, or a CSV file with a column customer_id; - reads the input.",
)
@click.option(
    "--dry-run",
    envvar="ERASE_DRY_RUN",
    show_envvar=True,
    is_flag=True,
    help="Only say where the customers are.",
)
@click.option(
    "--yes",
    "is_sure",
    envvar="ERASE_YES",
    show_envvar=True,
    is_flag=True,
    help="Do not ask; required without a terminal.",
)
@RAW_INPUT
@RAW_DATA
@WAREHOUSE
@PUBLISH_DIR
@EXPORT_DIR
@POSTGRES_URL
@ERASURES_DIR
@built
@WAIT
@LOG_FILE
@PROJECT_DIR
@click.pass_context
def erase(
    context: click.Context,
    customers: tuple[str, ...],
    file: Path | None,
    dry_run: bool,
    is_sure: bool,
    log_file: Path | None,
    postgres_url: str | None,
    **options: object,
) -> None:
    """Erase customers, then say what was done without saying who."""
    with errors_as_exit_codes(debug=False):
        ids = checked_ids([*customers, *(ids_in(file) if file else ())])
        hidden = secrets_of(postgres_url)
        settings = resolve_settings(**as_before(with_raw_input(context, options)))
        log_file = log_file or default_log_file(
            project_dir=settings.project_dir, warehouse=settings.warehouse
        )
        secrets = (*ids, *hidden) if len(ids) < 100 else hidden
        log = Log(file=log_file.absolute(), secrets=secrets)
        if dry_run:
            show_found(*find(settings=settings, ids=ids, log=log))
            return
        confirm(people=len(ids), is_sure=is_sure, settings=settings)
        erased = run_erase(
            settings=settings,
            ids=ids,
            console=Console(stderr=True),
            log=log,
            postgres_url=postgres_url,
        )
        console = Console()
        say(console, f"Erased {counted(len(ids), 'customer', 'customers')}.")
        show(console, "Written anew or removed:", erased.changed)
        show_left(console, erased.left)


def as_before(options: dict[str, object], /) -> dict[str, object]:
    """Let what is not said be as it is in the live build. Raises SettingsError."""
    publish_dir = chosen_publish_dir(options["publish_dir"], project_dir=options["project_dir"])
    known = options_of_live_build(publish_dir=publish_dir)
    if options["raw_input"] or options["raw_data"]:
        known = {option: known[option] for option in known if not option.startswith("raw_")}
    elif known.get("raw_data") and not known["raw_data"].is_dir():
        raise SettingsError(
            f"The live build was made from {known['raw_data']}, which is not there now. Say where "
            "the delivery is: --raw-data DIR."
        )
    return options | {option: options[option] or value for option, value in known.items()}


def secrets_of(url: str | None, /) -> tuple[str, ...]:
    """List what nobody may see of an address, before anything is done. Raises SettingsError."""
    if not url:
        return ()
    # here and not above: an erasure without a server needs no driver
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
        raise SettingsError(f"{file} has no ids.")
    return found


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


def show_found(found: list[Place], servers: list[str], /) -> None:
    """Say where customers are."""
    console = Console()
    ours = [str(each) for each in found if each.whose == Whose.OURS]
    if not ours:
        say(console, "Nothing that this project builds holds the customers.")
    show(console, "Would be written anew or removed:", ours)
    show(console, "Would be exported again:", servers)
    show_left(console, found)


def show_left(console: Console, found: list[Place], /) -> None:
    """Say what is left to others."""
    for whose, said in {
        Whose.DELIVERY: "Still in the delivery, which its owner has to change:",
        Whose.TABLE: "In tables that others load:",
        Whose.FILE: "In files of others:",
        Whose.UNREADABLE: "Warning: these files cannot be searched, look yourself:",
    }.items():
        show(console, said, [str(each) for each in found if each.whose == whose])


def show(console: Console, said: str, lines: list[str], /) -> None:
    """Say something of several things, if there are any."""
    if lines:
        say(console, said)
    for line in lines:
        say(console, f"  {line}")
