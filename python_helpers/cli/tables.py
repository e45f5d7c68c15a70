"""What a person sees of published builds: headline numbers, how to open them, their status."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from python_helpers.core.locks import described
from python_helpers.core.log import say, some_of
from python_helpers.delivery.erasures import said_of_unfinished
from python_helpers.publishing.builds import (
    CURRENT,
    DATABASE,
    REPORT,
    read_manifest,
    said_of_strays,
)


def show_published(*, publish_dir: Path, published: Path, console: Console) -> None:
    """Say what was published; on a terminal, with headline numbers and how to open it."""
    manifest = read_manifest(build=published)
    database = readable(publish_dir / DATABASE)
    if console.is_terminal:
        rows = headlines(build=published)
        facts = numbers(rows, as_of_date=manifest["as_of_date"])
        console.print(
            table_of(facts, title="Headline numbers", columns=("", ">"), show_header=False)
        )
        for label, *_, sentence in rows:
            if sentence:
                say(console, f"{label}: {sentence}")
    say(console, f"Published {database} (build {manifest['build_id']}).")
    if (published / REPORT).exists():
        say(console, f"To look at it: {readable(publish_dir / CURRENT / REPORT)}")
    if console.is_terminal:
        say(console, f"To open it: duckdb -readonly {shlex.quote(database)}")


def headlines(*, build: Path) -> list[tuple[Any, ...]]:
    """Read label, number, unit, month and sentence of each headline; a project may have none."""
    # the build's own path: the link may lead to another build by now
    with (
        duckdb.connect(str(build / DATABASE), read_only=True) as connection,
        suppress(duckdb.CatalogException),
    ):
        return connection.execute(
            "select headline, headline_value, unit, month_start_date, headline_sentence "
            "from rpt_headlines order by headline_number"
        ).fetchall()
    return []


def numbers(rows: Sequence[tuple[Any, ...]], /, *, as_of_date: str) -> Iterator[tuple[str, str]]:
    """Yield the headlines that a number says, with their labels."""
    yield "As of", as_of_date
    shown = None
    for label, value, unit, month, sentence in rows:
        if month not in (None, shown):
            yield "Last complete month", f"{month:%Y-%m}"
            shown = month
        if not sentence:
            yield f"  {label}" if month else label, number(value, unit)


def number(value: float | None, unit: str, /) -> str:
    """Write a number with its unit."""
    if value is None:
        return "not known yet"
    if unit == "share":
        return f"{value:.1%}"
    unit = unit.removesuffix("s") if value == 1 else unit
    return f"{value:,.{2 if unit.isupper() else 0}f} {unit}"


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
        table.add_column(name.removeprefix(">"), justify=justify, overflow="fold")
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
        age = timedelta(minutes=live["age_seconds"] // 60)
        yield "Live build", live["build_id"]
        yield "As of", live["as_of_date"]
        yield "Built", f"{built_at:%Y-%m-%d %H:%M} UTC, {str(age).removesuffix(':00')} h ago"
        yield "From", " ".join(filter(None, [live["raw_input"], live["raw_data_dir"]]))
        yield "Currency", live["reporting_currency"]
        if live["activity_window"]:
            yield "Window", f"{live['activity_window']} days in every vertical"
        yield "Code", live["code_version"] or "unknown"
        if live["engine"]:
            yield "Engine", f"{live['engine']}, schema {live['schema']}"
        if live["left_out"]:
            marts = (f"{mart} ({rows:,} rows)" for mart, rows in live["left_out"].items())
            yield "There alone", some_of([*marts])
        if live["report"]:
            yield "Report", readable(Path(live["report"]))
    yield "Folder", readable(Path(facts["publish_dir"]))
    yield "Running", in_phase(facts["running"]) if facts["running"] else "nothing"
    if facts["strays"]:
        yield "Strays", said_of_strays(facts["strays"])
    if facts["died"]:
        yield "Died", in_phase(facts["died"])
    if failure := facts["last_failure"]:
        where = f"{failure['command']}, {failure['outcome']} in phase {failure['phase']}"
        yield "Last failure", f"{failure['ended_at'] or failure['started_at']}, {where}:"
        yield "", failure["error"] or ""
    if facts["unfinished_erasures"]:
        yield "Erasures", said_of_unfinished(facts["unfinished_erasures"])
    elif facts["unfinished_erasures"] is None:
        yield "Erasures", "unknown: this user may not read the list of them"


def in_phase(holder: dict[str, Any], /) -> str:
    """Describe a run that holds or held a lock."""
    return f"{described(holder=holder)}, in phase {holder.get('phase', 'waiting')}"


def build_row(build: Mapping[str, Any], /) -> tuple[str, ...]:
    """Describe a kept build."""
    if build["is_damaged"]:
        return (build["build_id"], "", "", "damaged")
    size = f"{build['bytes'] / 1e6:,.1f} MB"
    return (build["build_id"], build["as_of_date"], size, "live" if build["is_live"] else "")


def readable(path: Path, /) -> str:
    """Shorten a path to what has to be typed from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def counted(number: int, one: str, many: str, /) -> str:
    """Write a number of things."""
    return f"{number:,} {one if number == 1 else many}"
