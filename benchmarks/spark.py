"""Time the order path on DuckDB and on Spark, model by model, with what Spark shuffles and spills.

Spark runs in this process, with the target ``spark`` of the profile. What it does comes from its
event log: models run one at a time, so everything Spark does while a model runs is the model's.
"""

import json
import os
import resource
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks.generate import generate
from benchmarks.run import PROJECT, Step, run_dbt, total
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.settings import Inputs, Resources, Settings, resolve_settings
from python_helpers.warehouse.dbt import environment, prepare_folders

ORDERS_PER_CUSTOMER = 10.4  # of the generator
TABLES = ("customers", "orders", "exchange_rates")
MARTS = (
    *("fct_orders", "fct_churn_events", "rpt_retention_periods", "rpt_cohort_retention"),
    *("rpt_survival", "rpt_churn_reasons"),
)
"""Where the order path ends; it is they, and every model that they read."""
PLAN = {
    "shuffles": "Exchange hashpartitioning",
    "to one task": "Exchange SinglePartition",
    "broadcasts": "BroadcastExchange",
    "nested loops": "BroadcastNestedLoopJoin",
    "products": "CartesianProduct",
}
"""What is counted in a plan -> how its description begins."""
SESSION = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
    # the generator writes times of UTC without saying so
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    "spark.sql.maxMetadataStringLength": "1000",
}


@dataclass(kw_only=True)
class Work:
    """What Spark did for one model."""

    cpu_seconds: float = 0
    """Processor time of its tasks; to plan them is the driver's."""
    shuffled: int = 0
    """Bytes written for another stage to read."""
    spilled: int = 0
    """Bytes written to disk because they did not fit in memory."""
    plan: Counter[str] = field(default_factory=Counter)


def settings_of(*, folder: Path, raw_data: Path | None, memory_limit: str | None) -> Settings:
    """Return the settings of a build in a folder; without raw data, from tables."""
    places = Places(project_dir=PROJECT, warehouse=folder / "warehouse.duckdb")
    inputs = Inputs(
        raw_input="files" if raw_data else "tables", raw_data=raw_data, reporting_currency="EUR"
    )
    settings = resolve_settings(
        find_folders(places), inputs=inputs, resources=Resources(memory_limit=memory_limit)
    )
    settings = replace(
        settings,
        target_path=folder / "target",
        log_path=folder / "logs",
        profiles_dir=folder / "target" / "profiles",
    )
    shutil.rmtree(folder, ignore_errors=True)
    prepare_folders(settings=settings)
    return settings


def build(
    *, settings: Settings, target: str, before: Callable[[], object] = lambda: None
) -> list[Step]:
    """Build the order path with a target of the profile; returns a step per model.

    Something may be done before its models, in the session that the seeds were loaded in.
    """
    options = ["--target", target, "--threads", "1"]
    run_dbt(arguments=["seed", "--select", "path:seeds/reference", *options], settings=settings)
    before()
    models = [f"+{mart}" for mart in MARTS]
    return run_dbt(arguments=["run", *options, "--select", *models], settings=settings)


def build_on_spark(
    *, folder: Path, raw_data: Path, memory: str, partitions: int, conf: Mapping[str, str]
) -> tuple[list[Step], dict[str, Work]]:
    """Build from raw tables in a session of Spark; returns its steps, and the work per model."""
    from pyspark.sql import SparkSession

    settings = settings_of(folder=folder, raw_data=None, memory_limit=None)
    events = folder / "events"
    events.mkdir()
    own = SESSION | {"spark.eventLog.dir": events.as_uri()} | conf
    lines = "".join(f"{name} {value}\n" for name, value in own.items())
    (folder / "spark-defaults.conf").write_text(lines, encoding="utf-8")
    values = {
        "SPARK_CONF_DIR": folder,
        "SPARK_WAREHOUSE": folder / "tables",
        "SPARK_MEMORY": memory,
        "SPARK_PARTITIONS": partitions,
    }
    with environment(
        values=settings.environment() | {name: str(value) for name, value in values.items()}
    ):
        steps = build(settings=settings, target="spark", before=partial(load, raw_data))
        SparkSession.builder.getOrCreate().stop()
    results = json.loads((settings.target_path / "run_results.json").read_text(encoding="utf-8"))
    (log,) = events.iterdir()
    return steps, work_of(log=log, windows=windows_of(results=results))


def load(raw_data: Path, /) -> None:
    """Make the files of a folder tables of the schema raw, in the session that dbt has opened."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    session.sql("create schema raw")
    for file in raw_data.glob("*.parquet"):
        session.sql(f"create table raw.{file.stem} using parquet options (path '{file}')")


def windows_of(*, results: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return model -> when it ran, in milliseconds of the clock."""
    return {
        result["unique_id"].rsplit(".", 1)[1]: tuple(
            datetime.fromisoformat(timing[end]).timestamp() * 1000
            for end in ("started_at", "completed_at")
        )
        for result in results["results"]
        for timing in result["timing"]
        if timing["name"] == "execute"
    }


def work_of(*, log: Path, windows: Mapping[str, tuple[float, float]]) -> dict[str, Work]:
    """Add up the events of a log by the model that ran at the time."""
    work = {model: Work() for model in windows}
    started: dict[int, float] = {}
    plans: dict[int, dict[str, Any]] = {}

    def work_at(time: float) -> Work:
        return next(
            (work[model] for model, (first, last) in windows.items() if first <= time <= last),
            Work(),
        )

    with log.open(encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            kind = event["Event"].rsplit(".", 1)[-1]
            if kind == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                metrics, done = event["Task Metrics"], work_at(event["Task Info"]["Finish Time"])
                done.cpu_seconds += metrics["Executor CPU Time"] / 1e9
                done.shuffled += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                done.spilled += metrics["Disk Bytes Spilled"]
            elif kind == "SparkListenerSQLExecutionStart":
                started[event["executionId"]] = event["time"]
                plans[event["executionId"]] = event["sparkPlanInfo"]
            elif kind == "SparkListenerSQLAdaptiveExecutionUpdate":
                plans[event["executionId"]] = event["sparkPlanInfo"]
    for execution, plan in plans.items():
        work_at(started[execution]).plan.update(counted(plan=plan))
    return work


def counted(*, plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of a plan is counted; what is used again is there once."""
    text = plan["simpleString"]
    yield from (name for name, beginning in PLAN.items() if text.startswith(beginning))
    # the lists of a window are its results, what it is partitioned by, and its order
    if text.startswith("Window [") and ("windowspecdefinition(" in text) and has_no_partition(text):
        yield "windows over all"
    for child in plan["children"]:
        yield from counted(plan=child)


def has_no_partition(window: str, /) -> bool:
    """Tell whether the description of a window names nothing that it is partitioned by."""
    first = window.split("windowspecdefinition(", 1)[1].split("specifiedwindowframe", 1)[0]
    return not first or first.split(",")[0].rsplit(" ", 2)[-2:-1] in (["ASC"], ["DESC"], ["NULLS"])


def megabytes(count: int, /) -> str:
    """Write bytes as megabytes."""
    return f"{count / 1e6:,.0f}"


def table_lines(
    *, duckdb: list[Step], spark: list[Step], work: Mapping[str, Work], least: float
) -> Iterator[str]:
    """Write the Markdown table: a line per model that takes so many seconds on Spark, and sums."""
    plan = [*PLAN, "windows over all"]
    numbers = [
        "DuckDB s",
        "processor s",
        "Spark s",
        "processor s of tasks",
        "MB shuffled",
        "MB spilled",
    ]
    numbers += plan
    yield "| " + " | ".join(["model", *numbers]) + " |"
    yield "|---" + "|--:" * len(numbers) + "|"
    on_duckdb = {step.name: step for step in duckdb}
    small = [step for step in spark if step.seconds < least]
    for name, steps in (
        *((step.name, [step]) for step in spark if step not in small),
        (f"others ({len(small)})", small),
        ("**all**", spark),
    ):
        done = [work.get(step.name, Work()) for step in steps]
        counts = sum((each.plan for each in done), Counter())
        beside = total(
            name=name, steps=[on_duckdb[step.name] for step in steps if step.name in on_duckdb]
        )
        cells = [
            name,
            f"{beside.seconds:.1f}",
            f"{beside.cpu_seconds:.1f}",
            f"{total(name=name, steps=steps).seconds:.1f}",
            f"{sum(each.cpu_seconds for each in done):.1f}",
            megabytes(sum(each.shuffled for each in done)),
            megabytes(sum(each.spilled for each in done)),
            *(str(counts[what] or "") for what in plan),
        ]
        yield "| " + " | ".join(cells) + " |"


@click.command(context_settings={"show_default": True})
@click.option("--orders", type=int, default=1_000_000, help="Orders to generate, about.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=PROJECT / "target" / "benchmark",
    show_default="target/benchmark",
    help="Where generated data and both builds go.",
)
@click.option("--memory", default="8g", help="Memory of the driver of Spark, which does the work.")
@click.option("--memory-limit", help="Memory DuckDB may use.", show_default="the profile's")
@click.option("--partitions", type=int, default=8, help="Parts that Spark shuffles rows into.")
@click.option("--conf", multiple=True, help="A setting of Spark, name=value.")
@click.option("--least", type=float, default=1.0, help="Seconds of the models with a line.")
def main(
    orders: int,
    folder: Path,
    memory: str,
    memory_limit: str | None,
    partitions: int,
    conf: tuple[str, ...],
    least: float,
) -> None:
    """Time the order path on both engines; prints the tables of docs/scale.md."""
    raw_data = folder.absolute() / f"raw_path_{orders}"
    if not raw_data.is_dir():
        customers = round(orders / ORDERS_PER_CUSTOMER)
        click.echo(f"Generating the orders of {customers:,} customers.", err=True)
        for name, rows, _ in generate(
            out_dir=raw_data, customers=customers, seed=1, file_format="parquet", tables=TABLES
        ):
            click.echo(f"  {name}: {rows:,} rows", err=True)
    settings = settings_of(
        folder=folder.absolute() / "on_duckdb", raw_data=raw_data, memory_limit=memory_limit
    )
    with environment(values=settings.environment()):
        duckdb = build(settings=settings, target="build")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    spark, work = build_on_spark(
        folder=folder.absolute() / "on_spark",
        raw_data=raw_data,
        memory=memory,
        partitions=partitions,
        conf=dict(each.split("=", 1) for each in conf),
    )
    click.echo(
        f"{orders / 1e6:g} million orders, {os.cpu_count()} cores. DuckDB: peak memory {peak:.1f} "
        f"GB. Spark: memory {memory}, {partitions} partitions."
    )
    click.echo()
    for line in table_lines(duckdb=duckdb, spark=spark, work=work, least=least):
        click.echo(line)


if __name__ == "__main__":
    main()
