"""Make believable raw data for the warehouse: thirteen tables, three years, any size.

The work is DuckDB SQL in ``generator/``: ``parameters.sql`` holds the numbers to turn,
``plan_*.sql`` decide what happens to whom, ``<table>.sql`` write it down the way a shop's
systems would, and ``faults.csv`` lists what then goes wrong with one row in a hundred. What
is planted, for a warehouse to find again: ``planted_lifts()``, and README.md beside this file.
"""

import csv
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import click
import duckdb

# The years are fixed: a rebuild tomorrow must give the same rows.
STARTS_ON = date(2023, 1, 1)
ENDS_ON = date(2025, 12, 31)

# Events weigh little in a big run and much in a sample that is kept in version control.
EVENTS_PER_CUSTOMER = 5
EVENTS_PER_SAMPLE_CUSTOMER = 3
# A lift shows among thousands, and in a sample only if nearly every customer takes part.
CAMPAIGN_REACH = 0.3
CAMPAIGN_REACH_IN_SAMPLE = 0.9
SAMPLE_CUSTOMERS = 1_000

SQL_DIR = Path(__file__).parent / "generator"
ISO_TIME = "%Y-%m-%dT%H:%M:%S"
SUFFIXES = ("csv", "parquet")


@dataclass(frozen=True)
class Table:
    """What one table needs: the plans it reads, and one row in how many goes wrong."""

    plans: tuple[str, ...]
    rows_per_fault: int


# Plans in the order in which they build on each other.
BOUGHT = ("customers", "purchases", "subscriptions", "campaign_members", "orders")
PLANS = (*BOUGHT, "memberships")

# Big tables have rare faults, small ones enough of them to show every kind in a sample.
TABLES = {
    "orders": Table(BOUGHT, 150),
    "customers": Table(("customers",), 30),
    "order_lines": Table(BOUGHT, 220),
    "products": Table((), 13),
    "exchange_rates": Table((), 250),
    "subscriptions": Table(("customers", "subscriptions"), 12),
    "survey_responses": Table(BOUGHT, 25),
    "engagement_events": Table(PLANS, 60),
    "campaigns": Table((), 10),
    "campaign_members": Table(BOUGHT[:4], 40),
    "marketing_spend": Table(BOUGHT[:4], 50),
    "loyalty_memberships": Table(PLANS, 12),
    "usage_readings": Table(BOUGHT, 10),
}


def read_faults(*, table: str) -> list[tuple[str, dict[str, str]]]:
    """Return the reason and the spoilt columns (column -> SQL value) of a table's faults."""
    with (SQL_DIR / "faults.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table_name"] == table]
    faults = []
    for _, group in groupby(rows, key=lambda row: row["fault"]):
        members = list(group)
        columns = {row["column_name"]: row["bad_value"] for row in members if row["column_name"]}
        faults.append((members[0]["reason"], columns))
    return faults


def _as_text(*, column: str, value: str) -> str:
    """Return SQL that gives the value as the text a CSV file shows."""
    if value.startswith("'"):
        return value
    if column.endswith("_at"):
        return f"strftime(({value})::timestamp, '{ISO_TIME}')"
    return f"({value})::varchar"


def _spoil(*, faults: list[tuple[int, dict[str, str]]], text_columns: set[str]) -> str:
    """Return a ``replace`` clause that puts each fault's values into the rows it falls on."""
    cases: dict[str, list[str]] = {}
    for number, columns in faults:
        for column, value in columns.items():
            shown = _as_text(column=column, value=value) if column in text_columns else value
            cases.setdefault(column, []).append(f"when {number} then {shown}")
    replacements = []
    for column in sorted(cases.keys() | text_columns):
        value = _as_text(column=column, value=column) if column in text_columns else column
        if column in cases:
            value = f"case _fault {' '.join(cases[column])} else {value} end"
        replacements.append(f"{value} as {column}")
    return f"replace ({', '.join(replacements)})" if replacements else ""


def table_query(*, table: str, file_format: str) -> str:
    """Return the SQL of a table with its faults in.

    Faults take turns, each falling on every n-th row (``_row`` numbers those that may go
    wrong). Columns of Parquet have a type, so a value of the wrong one exists in CSV only.
    """
    rows_per_fault = TABLES[table].rows_per_fault
    every_fault = list(enumerate(read_faults(table=table)))
    is_text = file_format == "csv"
    spoilt = [
        (number, columns)
        for number, (reason, columns) in every_fault
        if not reason.startswith("duplicate") and (is_text or reason != "wrong_type")
    ]
    repeated = [
        (number, columns)
        for number, (reason, columns) in every_fault
        if reason.startswith("duplicate")
    ]
    text_columns = {
        column
        for _, (reason, columns) in every_fault
        for column in columns
        if is_text and reason == "wrong_type"
    }
    # the rows are computed twice rather than kept: filtering for repeats is cheap, 25 M rows
    # in memory are not
    return f"""
        with clean as not materialized (
            {(SQL_DIR / f"{table}.sql").read_text(encoding="utf-8")}
        ),

        chosen as not materialized (
            select
                *,
                case
                    when _row % {rows_per_fault} = {rows_per_fault // 2}
                        then (_row // {rows_per_fault}) % {len(every_fault)}
                end as _fault
            from clean
        )

        select * exclude (_row, _fault) {_spoil(faults=spoilt, text_columns=text_columns)}
        from chosen

        union all

        select * exclude (_row, _fault) {_spoil(faults=repeated, text_columns=text_columns)}
        from chosen
        where _fault in ({", ".join(str(number) for number, _ in repeated)})
    """


def _connect(
    *, database: Path, customers: int, seed: int, memory_limit: str, file_format: str
) -> duckdb.DuckDBPyConnection:
    """Open a work database that knows the run's arguments, macros and parameters."""
    connection = duckdb.connect(str(database))
    connection.execute("set memory_limit = $1", [memory_limit])
    connection.execute("set preserve_insertion_order = $1", [file_format == "csv"])
    is_sample = customers <= SAMPLE_CUSTOMERS
    variables = {
        "customers": customers,
        "seed": seed,
        "starts_on": STARTS_ON,
        "ends_on": ENDS_ON,
        "days": (ENDS_ON - STARTS_ON).days + 1,
        "events_per_customer": EVENTS_PER_SAMPLE_CUSTOMER if is_sample else EVENTS_PER_CUSTOMER,
        "campaign_reach": CAMPAIGN_REACH_IN_SAMPLE if is_sample else CAMPAIGN_REACH,
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = $1", [value])
    for script in ("macros", "parameters"):
        connection.execute((SQL_DIR / f"{script}.sql").read_text(encoding="utf-8"))
    return connection


def planted_lifts() -> dict[str, float]:
    """Return campaign -> how much the share of buyers within 14 days rises if it is targeted.

    Every campaign for customers is there, most with 0. Who is held out has no lift.
    """
    with tempfile.TemporaryDirectory() as folder:
        connection = _connect(
            database=Path(folder) / "parameters.duckdb",
            customers=1,
            seed=1,
            memory_limit="1GiB",
            file_format="csv",
        )
        rows = connection.execute("""
            select campaign_id_of(campaign_no), lift::double
            from plan_campaigns
            where not is_acquisition
            order by campaign_no
        """).fetchall()
        connection.close()
    return dict(rows)


def generate(
    *,
    out_dir: Path,
    customers: int,
    seed: int,
    file_format: str,
    tables: list[str],
    memory_limit: str = "3GiB",
) -> Iterator[tuple[str, int, float]]:
    """Write the tables into out_dir; yield (name, rows, seconds) as each step is done.

    A file appears under its name only when it is complete. Same arguments, same CSV files,
    byte for byte.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=out_dir) as work_dir:
        work = Path(work_dir)
        connection = _connect(
            database=work / "plans.duckdb",
            customers=customers,
            seed=seed,
            memory_limit=memory_limit,
            file_format=file_format,
        )
        needed = {plan for table in tables for plan in TABLES[table].plans}

        def write_plan(plan: str) -> int:
            script = SQL_DIR / f"plan_{plan}.sql"
            connection.execute(script.read_text(encoding="utf-8"))
            return connection.execute(f"select count(*) from plan_{plan}").fetchall()[0][0]

        def write_table(table: str) -> int:
            query = table_query(table=table, file_format=file_format)
            file = work / f"{table}.{file_format}"
            options = "format parquet"
            if file_format == "csv":
                query = f"select * from ({query}) order by all"
                options = f"format csv, header, timestampformat '{ISO_TIME}'"
            copied = connection.execute(f"copy ({query}) to '{file}' ({options})").fetchall()
            file.replace(out_dir / file.name)
            return copied[0][0]

        steps = [(f"plan of {plan}", write_plan, plan) for plan in PLANS if plan in needed]
        steps += [(table, write_table, table) for table in TABLES if table in tables]
        try:
            for name, write, argument in steps:
                started = time.monotonic()
                rows = write(argument)
                yield name, rows, time.monotonic() - started
        finally:
            connection.close()


def _parse_tables(_context: click.Context, _option: click.Parameter, value: str) -> list[str]:
    tables = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in tables if name not in TABLES]
    if unknown or not tables:
        raise click.BadParameter(
            f"unknown table {', '.join(unknown) or '(none)'}; there are {', '.join(TABLES)}"
        )
    return tables


@click.command(context_settings={"show_default": True})
@click.argument("out_dir", type=click.Path(file_okay=False, path_type=Path))
@click.option("--customers", type=click.IntRange(1, 9_999_999), default=400, help="Known people.")
@click.option("--seed", type=click.IntRange(0), default=1, help="Another seed, other data.")
@click.option(
    "--format", "file_format", type=click.Choice(SUFFIXES), default="csv", help="Of the files."
)
@click.option(
    "--tables",
    default=",".join(TABLES),
    show_default="all",
    callback=_parse_tables,
    help="Only these, separated by commas.",
)
@click.option("--memory-limit", default="3GiB", help="For DuckDB; beyond it, work goes to disk.")
def main(
    out_dir: Path,
    customers: int,
    seed: int,
    file_format: str,
    tables: list[str],
    memory_limit: str,
) -> None:
    """Write synthetic raw tables as OUT_DIR/<table>.csv or .parquet.

    Three years of a shop with five verticals and a subscription: about 10 orders and 25 order
    lines per customer, and one bad row in a hundred of every kind the warehouse rejects. The
    same arguments give the same data; CSV files are the same byte for byte.

    \b
    python benchmarks/generate.py seeds/sample --customers 400 --seed 1 --format csv
    python benchmarks/generate.py data/large --customers 1000000 --format parquet
    """  # noqa: D301 - click wants the character itself, to keep the lines below it as they are
    for table in tables:
        for suffix in SUFFIXES:
            other = out_dir / f"{table}.{suffix}"
            if suffix != file_format and other.exists():
                raise click.ClickException(f"{other} exists: the table would be there twice")
    try:
        for name, rows, seconds in generate(
            out_dir=out_dir,
            customers=customers,
            seed=seed,
            file_format=file_format,
            tables=tables,
            memory_limit=memory_limit,
        ):
            click.echo(f"{name:<24}{rows:>12,} rows {seconds:>7.1f} s")
        if "campaign_members" in tables:
            lifts = [
                f"{campaign} +{lift:.2f}" for campaign, lift in planted_lifts().items() if lift
            ]
            click.echo(f"planted lifts           {', '.join(lifts)}; the other campaigns 0")
    except (duckdb.Error, OSError) as error:
        raise click.ClickException(str(error).splitlines()[0]) from error


if __name__ == "__main__":
    main()
