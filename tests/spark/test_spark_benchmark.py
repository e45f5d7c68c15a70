"""benchmarks/spark.py adds up what Spark did for each model."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lifecycle import PROJECT, VARIABLES

from benchmarks.spark import has_no_partition, work_of

WINDOW = "Window [row_number() windowspecdefinition({}specifiedwindowframe(RowFrame, a, b)) AS n#1]"


def node(text: str, *children: dict[str, Any]) -> dict[str, Any]:
    """Return a node of a plan, as the event log writes it."""
    return {"simpleString": text, "children": list(children)}


def task(*, finished: int, shuffled: int, spilled: int) -> dict[str, Any]:
    """Return the event of a task that ended."""
    return {
        "Event": "SparkListenerTaskEnd",
        "Task Info": {"Finish Time": finished},
        "Task Metrics": {
            "Executor CPU Time": 5e9,
            "Shuffle Write Metrics": {"Shuffle Bytes Written": shuffled},
            "Disk Bytes Spilled": spilled,
        },
    }


def test_tasks_and_plans_are_those_of_the_model_that_ran_at_the_time(tmp_path: Path) -> None:
    """The last plan of a query counts, and what ran beside the models counts nowhere."""
    first = node("Exchange hashpartitioning(a#1, 8), ENSURE_REQUIREMENTS")
    last = node("BroadcastNestedLoopJoin BuildRight, Inner", node("BroadcastExchange a"), first)
    start = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"
    update = "org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate"
    events = [
        task(finished=50, shuffled=1_000, spilled=0),
        {"Event": start, "executionId": 7, "time": 100, "sparkPlanInfo": first},
        {"Event": update, "executionId": 7, "sparkPlanInfo": last},
        task(finished=150, shuffled=10, spilled=3),
        task(finished=190, shuffled=20, spilled=0),
        task(finished=250, shuffled=40, spilled=0),
    ]
    log = tmp_path / "log"
    log.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    work = work_of(log=log, windows={"one": (100, 200), "other": (201, 300)})
    assert (work["one"].cpu_seconds, work["one"].shuffled, work["one"].spilled) == (10, 30, 3)
    assert work["one"].plan == {"nested loops": 1, "broadcasts": 1, "shuffles": 1}
    assert (work["other"].shuffled, work["other"].plan) == (40, {})


@pytest.mark.parametrize(
    ("specification", "has_none"),
    [
        ("", True),
        ("day#1 ASC NULLS FIRST, ", True),
        ("customer_id#1, ", False),
        ("customer_id#1, day#2 DESC NULLS LAST, ", False),
    ],
)
def test_a_window_over_all_rows_is_told_from_one_per_customer(
    specification: str, has_none: bool
) -> None:
    """A window without a partition is one task, however many machines there are."""
    assert has_no_partition(WINDOW.format(specification)) == has_none


@pytest.mark.spark
@pytest.mark.long
def test_the_order_path_is_measured_on_both_engines(tmp_path: Path) -> None:
    """A line has the seconds of both engines, and a model of the path shuffles."""
    command = [sys.executable, "-m", "benchmarks.spark", "--orders", "2000", "--least", "0"]
    command += ["--folder", str(tmp_path), "--memory", "2g", "--partitions", "1"]
    run = subprocess.run(
        command,
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name not in VARIABLES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-5000:]
    cells = {
        line.split(" | ")[0].removeprefix("| "): line.split(" | ")
        for line in run.stdout.splitlines()
        if line.startswith("| ")
    }
    assert all(float(seconds) > 0 for seconds in cells["base_orders"][1:5])
    assert int(cells["int_orders_sequenced"][7]) >= 1
