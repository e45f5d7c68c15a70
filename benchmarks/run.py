"""Time a build on generated data, model by model, beside a plain copy of the raw rows.

The unit is what DuckDB needs on the same machine to copy the raw orders (or, with
``--subscriptions``, the versions of subscriptions) into one table. Seconds depend on the machine;
how many copies a build costs hardly does.
"""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb

from benchmarks.generate import TABLES, generate
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import Choices, Inputs, Resources, Settings, resolve_settings
from python_helpers.export.run import export
from python_helpers.export.wanted import Export
from python_helpers.publishing.builds import DATABASE
from python_helpers.publishing.publish import OPTION, close_marts, publish
from python_helpers.publishing.runs import recorded_run
from python_helpers.publishing.writing import begun_build
from python_helpers.warehouse.build import Build
from python_helpers.warehouse.dbt import environment, prepare_folders

PROJECT = Path(__file__).resolve().parents[1]
SUBSCRIPTION_TABLES = ("customers", "subscriptions", "exchange_rates", "survey_responses")
# Contracts have a table of their own, so that the others are those of a shop.
SHOP_TABLES = tuple(table for table in TABLES if table != "subscriptions")
CUSTOMERS_PER_SUBSCRIBER = 5  # of the generator
GUEST_ORDERS = 1_000_000
# What is no step of the way from raw orders (or versions) to retention stands under a heading of
# its own: models, and folders of marts.
PARTS = {
    "order lines": (
        *("base_order_lines", "stg_order_lines", "fct_order_lines", "int_products", "dim_products"),
        "int_categories_bought",
        *("rpt_revenue_mix", "row_reconciliation", "rejected_rows"),
    ),
    "lifecycle and loyalty": (
        *("fct_lifecycle_stages", "rpt_stage_periods", "rpt_stage_transitions", "rpt_funnel"),
        *("marts/loyalty", "intermediate/stages", "int_survey_responses"),
        *("int_surveys_tallied", "int_surveys_sliced"),
        *("int_own_engagements", "int_service_contacts", "int_wallet_answers"),
        "int_wallet_categories_spent",
        *("int_revenue_quarters", "base_engagement_events", "base_survey_responses"),
        "base_loyalty_memberships",
    ),
    "lifetime value": ("marts/value", "intermediate/value", "int_contracts_running"),
    "activation": (
        *("marts/activation", "intermediate/activation", "int_mrr_intervals", "int_renewals_due"),
        *("base_campaigns", "base_campaign_members", "base_marketing_spend", "base_usage_readings"),
    ),
    "for the audit": ("marts/audit", "int_periods_published"),
}
BLOCK_BYTES = 262_144  # DuckDB's unit of storage


@dataclass(frozen=True, kw_only=True)
class Step:
    """One model or stage, with what it cost."""

    name: str
    seconds: float
    cpu_seconds: float
    megabytes: float | None = None
    """Size on disk of the table it wrote; None for a view."""
    path: str = ""
    """Of a model, its file below the folder of models."""


def cpu_seconds() -> float:
    """Return the processor time this process has used, of all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def timed(*, name: str, steps: list[Step]) -> Iterator[None]:
    """Add what happens inside to the steps."""
    started, cpu_started = time.monotonic(), cpu_seconds()
    yield
    steps.append(
        Step(
            name=name,
            seconds=time.monotonic() - started,
            cpu_seconds=cpu_seconds() - cpu_started,
        )
    )
    click.echo(f"  {name}: {steps[-1].seconds:.1f} s", err=True)


def generate_subscriptions(*, out_dir: Path, customers: int) -> None:
    """Write about so many subscribers, each with two contracts of three versions and more."""
    tables = generate(
        out_dir=out_dir,
        customers=customers * CUSTOMERS_PER_SUBSCRIBER,
        seed=1,
        file_format="parquet",
        tables=SUBSCRIPTION_TABLES,
    )
    for table, rows, _ in tables:
        click.echo(f"  {table}: {rows:,} rows", err=True)
    once, twice = out_dir / "subscriptions.parquet", out_dir / "subscriptions_twice.parquet"
    duckdb.sql(f"""
        copy (
            from '{once}'
            union all by name
            select
                * replace (
                    subscription_id || '-2' as subscription_id,
                    started_at + interval 17 days as started_at
                )
            from '{once}'
        ) to '{twice}'
    """)
    twice.replace(once)


def add_guest(*, out_dir: Path) -> None:
    """Give one customer a million orders, as a shop does that has one key for all its guests."""
    once, more = out_dir / "orders.parquet", out_dir / "orders_of_guest.parquet"
    duckdb.sql(f"""
        copy (
            from '{once}'
            union all by name
            (
                select
                    * exclude (copy)
                    replace ('guest-' || copy || order_id as order_id, 'guest' as customer_id)
                from '{once}'
                cross join range({GUEST_ORDERS}) as copies (copy)
                limit {GUEST_ORDERS}
            )
        ) to '{more}'
    """)
    more.replace(once)


def raw_copy(*, settings: Settings, table: str) -> Step:
    """Copy the raw rows of a table into one of a new file, as DuckDB comes."""
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(dir=settings.warehouse.parent) as folder:
        config = {"threads": settings.threads}
        with duckdb.connect(f"{folder}/copy.duckdb", config=config) as connection:
            rows = str(settings.raw_data / f"{table}.parquet").replace("'", "''")
            with timed(name="raw copy", steps=steps):
                connection.execute(f"create table copy as select * from '{rows}'")
    return steps[0]


def run_dbt(*, arguments: list[str], settings: Settings) -> list[Step]:
    """Run one dbt command in this process; returns a step per model and one of dbt's own."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    steps: list[Step] = []
    begun: dict[str, tuple[float, float]] = {}

    def watch(event: object) -> None:
        if event.info.name == "NodeStart":
            begun[event.data.node_info.unique_id] = (time.monotonic(), cpu_seconds())
        elif event.info.name == "NodeFinished":
            node = event.data.node_info
            started, cpu_started = begun[node.unique_id]
            seconds, cpu = time.monotonic() - started, cpu_seconds() - cpu_started
            steps.append(
                Step(name=node.node_name, seconds=seconds, cpu_seconds=cpu, path=node.node_path)
            )
            click.echo(f"  {node.node_name}: {seconds:.1f} s", err=True)

    overall: list[Step] = []
    with timed(name="dbt " + arguments[0], steps=overall):
        outcome = dbtRunner(callbacks=[watch]).invoke(
            [
                *arguments,
                *("--project-dir", str(settings.project_dir)),
                *("--profiles-dir", str(settings.profiles_dir)),
                *("--target-path", str(settings.target_path)),
                *("--log-path", str(settings.log_path)),
                *("--log-level", "none"),
            ]
        )
        DuckDBConnectionManager.close_all_connections()
    if not outcome.success:
        failed = [result.message for result in outcome.result or [] if result.status == "error"]
        raise click.ClickException("\n".join(failed) or str(outcome.exception))
    own = overall[0].seconds - sum(step.seconds for step in steps)
    own_cpu = overall[0].cpu_seconds - sum(step.cpu_seconds for step in steps)
    return [*steps, Step(name="dbt itself", seconds=own, cpu_seconds=own_cpu)]


def table_megabytes(database: Path, /) -> dict[str, float]:
    """Return the size on disk of each table of a database."""
    sizes = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall():
            blocks = connection.execute(
                f"select count(distinct block_id) from pragma_storage_info('{schema}.{table}') "
                "where block_id >= 0"
            ).fetchone()[0]
            sizes[table] = blocks * BLOCK_BYTES / 1e6
    return sizes


def with_sizes(*, steps: list[Step], sizes: dict[str, float]) -> list[Step]:
    """Add to each step the size of the table it wrote."""
    return [replace(step, megabytes=sizes.get(step.name)) for step in steps]


def part_of(*, step: Step, rest: str) -> str:
    """Name the part of the build a model belongs to."""
    for part, members in PARTS.items():
        if any(step.name == member or step.path.startswith(f"{member}/") for member in members):
            return part
    return rest


def measure(
    *, settings: Settings, table: str, publishes: bool
) -> tuple[Step, dict[str, list[Step]], int]:
    """Build and publish; returns the copy of a raw table, the steps by part, and its rows."""
    from dbt.cli.main import dbtRunner  # noqa: F401  the import is not a part of any step

    settings.warehouse.unlink(missing_ok=True)
    prepare_folders(settings=settings)
    copies = [raw_copy(settings=settings, table=table)]
    started_at = datetime.now(UTC)
    path = f"{table.removesuffix('s')} path"
    parts: dict[str, list[Step]] = {path: []}
    log = Log(file=settings.log_file)
    with (
        recorded_run(publish_dir=settings.publish_dir, command="benchmark", log=log) as run,
        begun_build(run=run, option=OPTION) as folder,
    ):
        settings = replace(settings, marts_file=folder / DATABASE, build_id=run.id)
        with environment(values=settings.environment()):
            # the first parse is of a fresh clone; a refresh after it finds the project parsed
            run_dbt(arguments=["seed", "--select", "path:seeds/reference"], settings=settings)
            for step in run_dbt(arguments=["run"], settings=settings):
                parts.setdefault(part_of(step=step, rest=path), []).append(step)
        copies.append(raw_copy(settings=settings, table=table))
        sizes = table_megabytes(settings.warehouse) | table_megabytes(settings.marts_file)
        parts = {part: with_sizes(steps=steps, sizes=sizes) for part, steps in parts.items()}
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            counted = connection.execute(f"select count(*) from restricted.base_{table}")
            rows = counted.fetchone()[0]
        if publishes:
            parts["publishing"] = []
            build = Build(started_at=started_at, seconds=0, marts=("fct_orders",), nodes={})
            with timed(name="publishing", steps=parts["publishing"]):
                # with its checksum, which a refresh computes while it audits
                marts = close_marts(settings=settings, build=build)
                publish(settings=settings, build=build, run=run, marts=marts)
    if publishes:
        parts["export"] = []
        with timed(name="export to Parquet", steps=parts["export"]):
            export_parquet(settings=settings)
    return min(copies, key=lambda copy: copy.seconds), parts, rows


def export_parquet(*, settings: Settings) -> None:
    """Export what was published, and remove the files."""
    wanted = Export(file_format="parquet")
    export(wanted=wanted, settings=settings, log=Log(file=settings.log_file))
    shutil.rmtree(settings.export_dir)


def table_lines(*, copy: Step, parts: dict[str, list[Step]], rows: str) -> Iterator[str]:
    """Write the Markdown tables: a line per step of more than a tenth of a second, and the sums."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield f"{rows}, {os.cpu_count()} cores, peak memory {peak:.1f} GB."
    yield ""
    yield "| step | seconds | processor seconds | raw copies | MB written |"
    yield "|---|--:|--:|--:|--:|"
    yield row(step=Step(name="**raw copy**", seconds=copy.seconds, cpu_seconds=copy.cpu_seconds))
    for part, steps in parts.items():
        small = [step for step in steps if step.seconds < 0.1]
        for step in steps:
            if step not in small:
                yield row(step=step, copy=copy)
        if small:
            yield row(step=total(name=f"smaller models ({len(small)})", steps=small), copy=copy)
        if len(steps) > 1:
            yield row(step=total(name=f"**{part}**", steps=steps), copy=copy)


def total(*, name: str, steps: list[Step]) -> Step:
    """Add up steps."""
    return Step(
        name=name,
        seconds=sum(step.seconds for step in steps),
        cpu_seconds=sum(step.cpu_seconds for step in steps),
        megabytes=sum(step.megabytes or 0 for step in steps),
    )


def row(*, step: Step, copy: Step | None = None) -> str:
    """Write one line of the table."""
    copies = f"{step.seconds / copy.seconds:.2f}" if copy else "1.00"
    size = f"{step.megabytes:,.0f}" if step.megabytes else ""
    return f"| {step.name} | {step.seconds:.1f} | {step.cpu_seconds:.1f} | {copies} | {size} |"


@click.command()
@click.option(
    "--customers",
    type=int,
    help="Customers to generate.  [default: 1000000, of subscriptions 300000]",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=PROJECT / "target" / "benchmark",
    help="Where generated data and the warehouse go.  [default: target/benchmark]",
)
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Raw data to use as is.")
@click.option("--subscriptions", is_flag=True, help="Subscriptions in place of orders.")
@click.option("--skewed", is_flag=True, help="A million orders more, all of one customer.")
@click.option("--memory-limit", help="Memory DuckDB may use.  [default: the profile's]")
@click.option("--threads", type=int, help="Cores DuckDB may use.  [default: all]")
def main(
    customers: int | None,
    folder: Path,
    data: Path | None,
    subscriptions: bool,
    skewed: bool,
    memory_limit: str | None,
    threads: int | None,
) -> None:
    """Time a build, part by part, and publishing; prints the table of the README."""
    folder.mkdir(parents=True, exist_ok=True)
    table = "subscriptions" if subscriptions else "orders"
    customers = customers or (300_000 if subscriptions else 1_000_000)
    raw_data = data or folder / f"raw_{table}_{customers}{'_skewed' if skewed else ''}"
    if not raw_data.is_dir():
        click.echo(f"Generating the {table} of {customers:,} customers.", err=True)
        if subscriptions:
            generate_subscriptions(out_dir=raw_data, customers=customers)
        else:
            for name, rows, _ in generate(
                out_dir=raw_data,
                customers=customers,
                seed=1,
                file_format="parquet",
                tables=SHOP_TABLES,
            ):
                click.echo(f"  {name}: {rows:,} rows", err=True)
            if skewed:
                add_guest(out_dir=raw_data)
    settings = resolve_settings(
        find_folders(
            Places(
                project_dir=PROJECT,
                warehouse=folder / "warehouse.duckdb",
                publish_dir=folder / "published",
                export_dir=folder / "exports",
            )
        ),
        inputs=Inputs(raw_data=raw_data, reporting_currency="EUR"),
        resources=Resources(threads=threads, memory_limit=memory_limit),
        choices=Choices(keep_builds=1),
    )
    copy, parts, rows = measure(settings=settings, table=table, publishes=not subscriptions)
    shutil.rmtree(settings.publish_dir, ignore_errors=True)
    settings.warehouse.unlink()
    counted = f"{rows / 1e6:.1f} million {'versions of ' if subscriptions else ''}{table}"
    for line in table_lines(copy=copy, parts=parts, rows=counted):
        click.echo(line)


if __name__ == "__main__":
    main()
