"""What a person sees of published builds: headline numbers, how to open them, their status."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from python_helpers.core.locks import described
from python_helpers.core.log import say
from python_helpers.delivery.erasures import said_of_unfinished
from python_helpers.publishing.builds import DATABASE, read_manifest
from python_helpers.publishing.headlines import headlines
from python_helpers.warehouse.build import MARTS_SCHEMA

HOW_TO_OPEN = """\
To open it:
  duckdb -readonly {quoted} "from {mart} limit 10"
  Python:
    import duckdb
    shut = {{'enable_external_access': False, 'lock_configuration': True}}
    marts = duckdb.connect({database!r}, read_only=True, config=shut)
    marts.sql("from {mart}").show()"""


def show_published(*, publish_dir: Path, published: Path, console: Console) -> None:
    """Say what was published; on a terminal, with headline numbers and how to open it."""
    manifest = read_manifest(build=published)
    database = readable(publish_dir / DATABASE)
    if console.is_terminal:
        # the build's own path: the link may lead to another build by now
        with duckdb.connect(str(published / DATABASE), read_only=True) as connection:
            facts = headlines(
                connection=connection,
                as_of_date=manifest["as_of_date"],
                currency=manifest["reporting_currency"],
            )
            console.print(
                table_of(facts, title="Headline numbers", columns=("", ">"), show_header=False)
            )
    say(console, f"Published {database} (build {manifest['build_id']}).")
    if console.is_terminal:
        rows = manifest["rows"]
        # a mart worth a first look: orders, else the largest one
        mart = f"{MARTS_SCHEMA}.{'fct_orders' if 'fct_orders' in rows else max(rows, key=rows.get)}"
        text = HOW_TO_OPEN.format(quoted=shlex.quote(database), database=database, mart=mart)
        for line in text.splitlines():
            say(console, line)


def show_status(*, facts: dict[str, Any], console: Console) -> None:
    """Print what is live, how old it is, which builds are kept, what goes on and what failed."""
    for label, value in status_lines(facts=facts):
        say(console, f"{label:<14}{value}")
    if facts["live"] and not facts["live"]["is_damaged"]:
        rows = ((mart, f"{count:,}") for mart, count in facts["live"]["rows"].items())
        console.print(table_of(rows, title="Marts", columns=("mart", ">rows")))
    if facts["builds"]:
        builds = (build_row(build) for build in facts["builds"])
        columns = ("build", "as of", ">size", "")
        console.print(table_of(builds, title="Kept builds", columns=columns))


def table_of(
    rows: Iterator[Sequence[str]], /, *, title: str, columns: Sequence[str], **options: Any
) -> Table:
    """Lay out rows; a column whose name begins with > is aligned to the right."""
    table = Table(title=title, title_justify="left", **options)
    for name in columns:
        justify: Any = "right" if name.startswith(">") else "left"
        table.add_column(name.removeprefix(">"), justify=justify)
    for row in rows:
        table.add_row(*row)
    return table


def status_lines(*, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each fact that is known, with its label."""
    live = facts["live"]
    if live and live["is_damaged"]:
        yield "Live build", f"{live['build_id']}, its manifest is damaged: roll back"
    elif live:
        built_at = datetime.fromisoformat(live["built_at"])
        yield "Live build", live["build_id"]
        yield "As of", live["as_of_date"]
        yield "Built", f"{built_at:%Y-%m-%d %H:%M} UTC, {age(since=built_at)} ago"
        yield "From", " ".join(filter(None, [live["raw_input"], live["raw_data_dir"]]))
        if files := live["input_files"]:
            yield "Input files", f"{len(files)}, {megabytes(sum(each['bytes'] for each in files))}"
        yield "Currency", live["reporting_currency"]
        if live["code_version"]:
            yield "Code", live["code_version"]
    yield "Folder", readable(Path(facts["publish_dir"]))
    if facts["running"]:
        phase = facts["running"].get("phase", "waiting")
        yield "Running", f"{described(holder=facts['running'])}, in phase {phase}"
    else:
        yield "Running", "nothing"
    if failure := facts["last_failure"]:
        where = f"{failure['command']}, {failure['outcome']} in phase {failure['phase']}"
        yield "Last failure", f"{failure['ended_at'] or failure['started_at']}, {where}:"
        yield "", failure["error"] or ""
    if facts["unfinished_erasures"]:
        yield "Erasures", said_of_unfinished(facts["unfinished_erasures"])
    elif facts["unfinished_erasures"] is None:
        yield "Erasures", "unknown: this user may not read the list of them"
    if facts["died"]:
        yield "Died", f"{described(holder=facts['died'])}, in phase {facts['died'].get('phase')}"


def build_row(build: Mapping[str, Any], /) -> tuple[str, ...]:
    """Describe a kept build."""
    if build["is_damaged"]:
        return (build["build_id"], "", "", "damaged")
    is_live = "live" if build["is_live"] else ""
    return (build["build_id"], build["as_of_date"], megabytes(build["bytes"]), is_live)


def megabytes(size: int, /) -> str:
    """Write a number of bytes."""
    return f"{size / 1e6:,.1f} MB"


def age(*, since: datetime) -> str:
    """Write the time since then, in the largest unit of which there are at least two."""
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"


def readable(path: Path, /) -> str:
    """Shorten a path to what has to be typed from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def counted(number: int, one: str, many: str, /) -> str:
    """Write a number of things."""
    return f"{number:,} {one if number == 1 else many}"
