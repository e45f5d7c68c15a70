"""A small dbt project on Spark, whose rows hold one number: whoever sees two has seen two builds.

marts.dim_customers   one row, a table
marts.fct_orders      ROWS rows, a view of another schema that publishing makes a table of
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml
from lifecycle import PROJECT, PROJECT_MACROS
from tiny_refresh import SMALL_PROJECT, environment

KILLED = str(Path(__file__).with_name("killed_before.py"))
PYTHON = os.environ.get("LIFECYCLE_SPARK_PYTHON", sys.executable)
"""The Python that has dbt-spark and pyspark, if it is another one than that of the tests."""
MART = "{{ config(schema='marts', contract={'enforced': true}) }}"
FILES = SMALL_PROJECT | {
    "models/int_numbers.sql": """\
{{ config(schema='intermediate') }}
select cast({{ env_var('NUMBER') }} as bigint) as number, id as order_id
from range(0, {{ env_var('ROWS', '1000') }})
cross join {{ ref('int_run_settings') }}
""",
    "models/fct_orders.sql": MART.replace("contract", "materialized='view', contract")
    + """
select number, order_id, cast(order_id as decimal(18, 2)) / 100 as amount,
    timestamp '2024-06-30 12:00:00.123456' as ordered_at
from {{ ref('int_numbers') }}
""",
    "models/dim_customers.sql": MART
    + """
select distinct number from {{ ref('fct_orders') }}
""",
    "models/models.yml": """\
models:
  - name: fct_orders
    description: One row per order.
    columns:
      - {name: number, data_type: bigint, description: The build., constraints: [{type: not_null}]}
      - {name: order_id, data_type: bigint}
      - {name: amount, data_type: "decimal(18, 2)"}
      - {name: ordered_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - {name: number, data_type: bigint, data_tests: [unique]}
""",
    "tests/assert_the_number_is_right.sql": """\
select * from {{ ref('dim_customers') }} where number < 0
""",
    "tests/expectations/marts.yml": """\
queries:
  rows_before: |
    select count(*) as rows, (select count(*) from published.fct_orders) as rows_before
    from marts.fct_orders
expectations:
  - name: orders_are_not_lost
    table: rows_before
    expect: ExpectColumnPairValuesAToBeGreaterThanB
    with: {column_A: rows, column_B: rows_before, or_equal: true}
    block: {mostly: 1.0}
    found: "{rows:,} orders, {rows_before:,} in the last build."
    reason: Orders are not lost.
    advice: "Look for them."
""",
}


def make_small(folder: Path, /, *, master: str = "local[2]") -> Path:
    """Make the project with a catalog of its own, and return its folder."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in PROJECT_MACROS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, folder / name)
    profile = {"type": "spark", "method": "session", "host": "none", "schema": "main", "threads": 1}
    profile["server_side_parameters"] = {
        "spark.master": master,
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.sources.default": "parquet",
        "spark.sql.warehouse.dir": str(folder / "spark" / "tables"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={folder / 'spark' / 'catalog'};create=true"
        ),
        "spark.log.level": "OFF",
        # tables of some rows need no code that pays off with millions
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": (
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
        ),
    }
    outputs = {"target": "spark", "outputs": {"spark": profile}}
    (folder / "profiles.yml").write_text(yaml.safe_dump({"customer_lifecycle_warehouse": outputs}))
    return folder


def start(project: Path, /, *words: object, **values: object) -> subprocess.Popen[str]:
    """Start a command on the project.

    KILL_BEFORE names a function, as in `python_helpers.spark.publish:show`: at its first call the
    command kills itself.
    """
    known = {"NUMBER": 0, "PYTHONPATH": PROJECT}
    return subprocess.Popen(
        [PYTHON, KILLED, *map(str, words), "--project-dir", str(project)],
        env=environment(**known | values),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(project: Path, /, *words: object, **values: object) -> subprocess.CompletedProcess[str]:
    """Run a command on the project, to its end."""
    process = start(project, *words, **values)
    output, errors = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def build_with_dbt(project: Path, /, **values: object) -> subprocess.CompletedProcess[str]:
    """Build the project with plain dbt."""
    return subprocess.run(
        [Path(PYTHON).with_name("dbt"), "build", "--target", "spark"],
        env=environment(**values),
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def wait_for_java(project: Path, /) -> None:
    """Wait until the Java of a killed command is gone, which holds the catalog of a test."""
    until = time.monotonic() + 60
    while of_java(project) and time.monotonic() < until:
        time.sleep(0.2)


def of_java(project: Path, /) -> list[int]:
    """List the processes of Java that were started in the folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_java = b"java" in (folder / "cmdline").read_bytes().split(b"\0")[0]
            if is_java and (folder / "cwd").readlink().is_relative_to(project):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def kill_executor(project: Path, /) -> bool:
    """Kill one executor of a local cluster; returns whether there was one.

    Executors work in a folder of Spark, but the driver has started them.
    """
    drivers = of_java(project)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent in drivers and b"CoarseGrainedExecutorBackend" in command:
            os.kill(int(folder.name), signal.SIGKILL)
            return True
    return False


def ask(project: Path, /, *queries: str) -> list[list[list]]:
    """Ask the catalog of a project that no command has open; an error is its first line."""
    asked = subprocess.run(
        [PYTHON, Path(__file__).with_name("spark_answers.py"), project, *queries],
        cwd=project,
        env=environment(PYTHONPATH=PROJECT),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(asked.stdout.splitlines()[-1])
