"""What a person sees of a published build: headline numbers, how to open it, what is live."""

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from python_helpers.core.locks import said_of
from python_helpers.core.progress import say
from python_helpers.delivery.erasures import said_of_unfinished
from python_helpers.publishing.builds import DATABASE, read_manifest
from python_helpers.publishing.headlines import headlines
from python_helpers.warehouse.build import MARTS_SCHEMA


def show_headlines(*, published: Path, console: Console) -> None:
    """Print the headline numbers of a published build."""
    manifest = read_manifest(build=published)
    table = Table(title="Headline numbers", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    # the build's own path: the link may be on another build by now
    with duckdb.connect(str(published / DATABASE), read_only=True) as connection:
        for label, value in headlines(
            connection=connection,
            as_of_date=manifest["as_of_date"],
            currency=manifest["reporting_currency"],
        ):
            table.add_row(label, value)
    console.print(table)


def show_how_to_open(*, publish_dir: Path, published: Path, console: Console) -> None:
    """Say where the published files are and how to open them."""
    manifest = read_manifest(build=published)
    database = readable(publish_dir / DATABASE)
    mart = f"{MARTS_SCHEMA}.{example_mart(rows=manifest['rows'])}"
    say(console, f"Published {database} (build {manifest['build_id']}). To open it:")
    say(console, f'  duckdb -readonly {shlex.quote(database)} "from {mart} limit 10"')
    say(console, "  Python:")
    say(console, "    import duckdb")
    say(console, "    shut = {'enable_external_access': False, 'lock_configuration': True}")
    say(console, f"    marts = duckdb.connect({database!r}, read_only=True, config=shut)")
    say(console, f'    marts.sql("from {mart}").show()')


def show_status(*, facts: dict, console: Console) -> None:
    """Print what is live, how old it is, which builds are kept, what goes on and what failed."""
    for label, value in status_lines(facts=facts):
        say(console, f"{label:<14}{value}")
    if facts["live"] and not facts["live"]["is_damaged"]:
        marts = Table(title="Marts", title_justify="left")
        marts.add_column("mart")
        marts.add_column("rows", justify="right")
        for mart, rows in facts["live"]["rows"].items():
            marts.add_row(mart, f"{rows:,}")
        console.print(marts)
    if facts["builds"]:
        console.print(table_of_builds(builds=facts["builds"]))


def status_lines(*, facts: dict) -> Iterator[tuple[str, str]]:
    """Say each fact that is there, with its label."""
    live = facts["live"]
    if live and live["is_damaged"]:
        yield "Live build", f"{live['build_id']}, its manifest is damaged: roll back"
    elif live:
        built_at = datetime.fromisoformat(live["built_at"])
        yield "Live build", live["build_id"]
        yield "As of", live["as_of_date"]
        yield "Built", f"{built_at:%Y-%m-%d %H:%M} UTC, {age(since=built_at)} ago"
        yield "From", " ".join(filter(None, [live["raw_input"], live["raw_data_dir"]]))
        files = live["input_files"]
        if files:
            megabytes = sum(file["bytes"] for file in files) / 1e6
            yield "Input files", f"{len(files)}, {megabytes:,.1f} MB"
        yield "Currency", live["reporting_currency"]
        if live["code_version"]:
            yield "Code", live["code_version"]
    yield "Folder", readable(Path(facts["publish_dir"]))
    if facts["running"]:
        phase = facts["running"].get("phase", "waiting")
        yield "Running", f"{said_of(holder=facts['running'])}, in phase {phase}"
    else:
        yield "Running", "nothing"
    failure = facts["last_failure"]
    if failure:
        where = f"{failure['command']}, {failure['outcome']} in phase {failure['phase']}"
        yield "Last failure", f"{failure['ended_at'] or failure['started_at']}, {where}:"
        yield "", failure["error"] or ""
    if facts["unfinished_erasures"]:
        yield "Erasures", said_of_unfinished(facts["unfinished_erasures"])
    elif facts["unfinished_erasures"] is None and facts["erasures_dir"]:
        yield "Erasures", "unknown: this user may not read the list of them"
    if facts["died"]:
        yield "Died", f"{said_of(holder=facts['died'])}, in phase {facts['died'].get('phase')}"


def table_of_builds(*, builds: list[dict]) -> Table:
    """Lay out the kept builds, newest first."""
    table = Table(title="Kept builds", title_justify="left")
    table.add_column("build")
    table.add_column("as of")
    table.add_column("size", justify="right")
    table.add_column("")
    for build in builds:
        if build["is_damaged"]:
            table.add_row(build["build_id"], "", "", "damaged")
        else:
            megabytes = f"{build['bytes'] / 1e6:,.1f} MB"
            is_live = "live" if build["is_live"] else ""
            table.add_row(build["build_id"], build["as_of_date"], megabytes, is_live)
    return table


def status_as_json(*, facts: dict) -> str:
    """Write the facts for a program."""
    return json.dumps(facts, indent=2)


def example_mart(*, rows: dict[str, int]) -> str:
    """Pick a mart worth a first look: orders, else the one with the most rows."""
    return "fct_orders" if "fct_orders" in rows else max(rows, key=lambda mart: rows[mart])


def age(*, since: datetime) -> str:
    """Say the time since then, in the largest unit that is at least two."""
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"


def readable(path: Path, /) -> str:
    """Shorten a path to what has to be typed from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def counted(number: int, one: str, many: str, /) -> str:
    """Say a number of things."""
    return f"{number:,} {one if number == 1 else many}"
