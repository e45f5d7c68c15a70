"""What a person sees of a published build: headline numbers, how to open it, what is live."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from python_helpers.build import MARTS_SCHEMA, Build
from python_helpers.headlines import headlines
from python_helpers.progress import say
from python_helpers.published import (
    DATABASE,
    PARQUET,
    PublishError,
    kept_builds,
    live_build,
    read_manifest,
)


def show_build(*, build: Build, console: Console) -> None:
    """Say what ran, in how many seconds."""
    nodes = ", ".join(
        f"{count} {kind.replace('_', ' ').removesuffix('s' if count == 1 else '')}"
        for kind, count in build.nodes.items()
        if kind != "warnings"
    )
    say(console, f"Built and passed in {build.seconds:.0f} s: {nodes}.")


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
    say(console, f'    duckdb.connect({database!r}, read_only=True).sql("from {mart}").show()')
    say(console, f"  Parquet files, one per mart: {readable(publish_dir / PARQUET)}")


def show_status(*, publish_dir: Path, console: Console) -> None:
    """Print what is live, how old it is and which builds are kept.

    Raises PublishError where nothing is published.
    """
    live = live_build(publish_dir=publish_dir)
    if not live:
        raise PublishError(f"Nothing is published in {publish_dir}: run refresh first.")
    manifest = read_manifest(build=live)
    built_at = datetime.fromisoformat(manifest["built_at"])
    source = " ".join(filter(None, [manifest["raw_input"], manifest["raw_data_dir"]]))
    for label, value in {
        "Live build": manifest["build_id"],
        "As of": manifest["as_of_date"],
        "Built": f"{built_at:%Y-%m-%d %H:%M} UTC, {age(since=built_at)} ago",
        "From": source,
        "Currency": manifest["reporting_currency"],
        "Folder": readable(publish_dir),
    }.items():
        say(console, f"{label:<11}{value}")

    marts = Table(title="Marts", title_justify="left")
    marts.add_column("mart")
    marts.add_column("rows", justify="right")
    for mart, rows in manifest["rows"].items():
        marts.add_row(mart, f"{rows:,}")
    console.print(marts)

    builds = Table(title="Kept builds", title_justify="left")
    builds.add_column("build")
    builds.add_column("as of")
    builds.add_column("size", justify="right")
    builds.add_column("")
    for build in kept_builds(publish_dir=publish_dir):
        of_build = read_manifest(build=build)
        megabytes = sum(file["bytes"] for file in of_build["files"].values()) / 1e6
        builds.add_row(
            build.name,
            of_build["as_of_date"],
            f"{megabytes:,.1f} MB",
            "live" if build == live else "",
        )
    console.print(builds)


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
