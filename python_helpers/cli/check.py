"""The command `lifecycle check`."""

import json
import shlex
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import Command
from python_helpers.cli.tables import counted, table_of
from python_helpers.core.errors import RawDataError
from python_helpers.core.folders import Folders
from python_helpers.core.log import say, some_of
from python_helpers.core.settings import (
    Inputs,
    Resources,
    checked_inputs,
    is_of_files,
    parsed_vars,
    resolve_settings,
)
from python_helpers.warehouse.check import check as look_at

FATES = ("rows", "accepted", "superseded", "rejected", "held_back")
GUIDE = "docs/bring_your_own_data.md"
LONGEST = 40  # characters of an example
WITHOUT = {"without_customer": "have no customer", "without_revenue": "carry no revenue"}


@click.command(
    cls=Command,
    examples=(
        "lifecycle check ~/deliveries",
        "lifecycle check ~/exports --from shopify,stripe",
        "lifecycle check ~/deliveries --json",
    ),
    exit_codes=(0, 1, 2, 4),
    failed="Nothing can be built from these files.",
)
@click.argument("raw_data", envvar="RAW_DATA_DIR", metavar="DIR", type=click.Path(path_type=Path))
@options.inputs(*(name for name in options.INPUTS if name != "raw_data"))
@options.places("erasures_dir", "log_file")
@options.resources()
@options.option(
    "--json", "as_json", envvar="CHECK_JSON", is_flag=True, help="Print all of it as JSON."
)
def check(*, folders: Folders, inputs: Inputs, resources: Resources, as_json: bool) -> None:
    """Tell in seconds what is in the files of DIR, before anything is built.

    It reads them by the rules of a build: which columns are known, which rows are rejected and
    why, what stops a build. Without DIR it reads RAW_DATA_DIR.
    """
    options.log_of(folders)
    with suppress(ValueError):  # outside the main thread nothing handles signals
        # as Ctrl-C, after which nothing is left on the disk
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = checked_inputs(inputs.raw_input or "files", project_dir=folders.project_dir)
    raw_input = ",".join(filter(is_of_files, words)) or "files"
    own = parsed_vars(text=inputs.dbt_vars) | {"raw_input": raw_input}
    inputs = replace(inputs, raw_input=raw_input, dbt_vars=json.dumps(own, default=str))
    facts = look_at(settings=resolve_settings(folders, inputs=inputs, resources=resources))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        # what is in a file is not for the console to act on
        show(facts, console=Console(markup=False, highlight=False, emoji=False))
    if facts["stops"]:
        raise RawDataError("\n".join(facts["stops"]))


def show(facts: dict[str, Any], /, *, console: Console) -> None:
    """Print what was found, tables first."""
    titles = ("table", *(f">{name.replace('_', ' ')}" for name in FATES))
    rows = (
        [table["table"], *(f"{table[name]:,}" if name in table else "" for name in FATES)]
        for table in facts["tables"]
    )
    if facts["tables"]:
        console.print(table_of(rows, title="Rows", columns=titles, box=box.SIMPLE))
    for table in facts["tables"]:
        if rejected := table.get("rejected_for"):
            cells = map(reason_row, rejected)
            columns = ("reason", ">rows", "written like", "wanted")
            title = f"{table['table']}: why rows are rejected"
            console.print(table_of(cells, title=title, columns=columns, box=box.SIMPLE))
    for line in lines_of(facts):
        say(console, printable(line))


def reason_row(reason: dict[str, Any], /) -> list[str]:
    """Write a reason for rejection."""
    examples = reason["example"].items()
    shown = (f"{name}: {printable(value[:LONGEST])}" for name, value in examples)
    return [reason["reason"], f"{reason['rows']:,}", ", ".join(shown), reason["wanted"] or ""]


def lines_of(facts: dict[str, Any], /) -> Iterator[str]:
    """Say what does not fit into a table."""
    for table in facts["tables"]:
        for line in lines_of_table(table):
            yield f"{table['table']}: {line}"
    if "as_of_date" in facts:
        yield f"Settings: as of {facts['as_of_date']}, in {facts['reporting_currency']}."
    yield (
        f"Times without an offset are read as {facts['raw_timezone']}; "
        f"days are those of {facts['reporting_timezone']}."
    )
    yield from facts["notes"]
    words = facts["raw_input"].split(",")
    for file, export in facts["exports"].items():
        system, name = export.split(".")
        said = f"{file} is an export of {system} ({name.replace('_', ' ')})"
        yield f"{said}." if system in words else f"{said}: read it with --from {system}."
    for file, system in facts["files_of_other_systems"].items():
        yield f"{file} is an export of {system}, which no connector reads: see {GUIDE}."
    if unread := facts["files_not_read"]:
        yield f"Not read, because their names match no table: {some_of(unread)}."
    for warning in facts["warnings"]:
        yield f"Warning: {warning}"
    if facts["can_be_built"]:
        source = "" if words == ["files"] else f" --from {facts['raw_input']}"
        folder = shlex.quote(facts["folder"])
        yield f"To build from it: lifecycle refresh{source} --raw-data {folder}"


def lines_of_table(table: dict[str, Any], /) -> Iterator[str]:
    """Say which columns a table has, and what is strange about its rows."""
    known, missing = len(table["known"]), table["missing"]
    files = some_of([*table["files"], *table["models"]])
    of_all = f" of {known + len(missing)}" if table["files"] else ""
    found = f"{known}{of_all} columns" if known or missing else "no column"
    yield f"{found} found in {files}."
    if missing:
        yield f"missing columns: {', '.join(map(described, missing))}."
    if table["unknown"]:
        yield f"unknown columns, which are ignored: {some_of(table['unknown'])}."
    if count := table["unknown_not_shown"]:
        yield f"not shown, because they may be values of a row: {counted(count, 'name', 'names')}."
    if table.get("first_day"):
        yield f"from {table['first_day']} to {table['last_day']}."
    if table.get("currencies"):
        codes = ", ".join(f"{code} {rows:,}" for code, rows in table["currencies"].items())
        unnamed = "" if "currency" in table["known"] else " (no row names one)"
        yield f"rows by currency: {codes}{unnamed}."
    for name, words in WITHOUT.items():
        if rows := table.get(name):
            share = rows / table["accepted"]
            yield f"{share:.1%} of the accepted rows {words}."
    if keys := table.get("keys_in_conflict"):
        yield f"{counted(keys, 'key has', 'keys have')} rows that differ."
    for doubt in table.get("doubtful_ids", ()):
        example = "" if doubt["are"] == "e-mail addresses" else f", written like {doubt['example']}"
        yield f"{doubt['rows']:,} values of {doubt['column']} are {doubt['are']}{example}."


def printable(text: str, /) -> str:
    """Leave out what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


def described(missing: dict[str, Any], /) -> str:
    """Name a missing column, with the one that it may be."""
    notes = ["required"] if missing["is_required"] else []
    notes += [f"is it {missing['nearest']}?"] if missing["nearest"] else []
    return f"{missing['column']} ({', '.join(notes)})" if notes else missing["column"]
