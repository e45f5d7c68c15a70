"""The worked examples of CONTRIBUTING.md, done as they say to a copy of the project, build."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.long  # a build of a copy of the whole project

PROJECT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = (
    *("models", "macros", "seeds", "analyses", "tests/generic", "tests/singular"),
    *("dbt_project.yml", "profiles.example.yml", "README.md"),
)
# language, file, text: each block whose fence names a file
EXAMPLES = re.findall(r"^```(\w+) (\S+)\n(.*?)^```$", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```$", CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
SETTINGS = (
    *("RAW_INPUT", "RAW_DATA_DIR", "AS_OF_DATE", "REPORTING_CURRENCY", "REPORTING_TIMEZONE"),
    *("DBT_LOG_PATH", "DBT_TARGET_PATH"),
)


def with_hunks(*, text: str, diff: str) -> str:
    """Put the `+` lines of a diff where its other lines show; these must be in one place only."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        assert all(line[0] in "+ " for line in lines), hunk
        shown = "".join(line[1:] for line in lines if line[0] == " ")
        starts = [found.start() for found in re.finditer(rf"^{re.escape(shown)}", text, re.M)]
        assert len(starts) == 1, f"{len(starts)} places for:\n{hunk}"
        whole = "".join(line[1:] for line in lines)
        text = text[: starts[0]] + whole + text[starts[0] + len(shown) :]
    return text


def add_delivery_times(orders: Path, /) -> None:
    """Give the sample's orders the new column: two are known, and one of them cannot be."""
    with orders.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["delivered_at"] = {
            "O000000322": "2023-10-09 08:00:00",  # ordered on the 6th
            "O000000164": "2023-07-01 08:00:00",  # ordered on the 9th
        }.get(row["order_id"], "")
    with orders.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Follow all examples in one copy of the project, then build what they say to build."""
    copy = tmp_path_factory.mktemp("contributing") / "project"
    for name in COPIED:
        source = PROJECT / name
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, copy / name)
    shutil.copyfile(copy / "profiles.example.yml", copy / "profiles.yml")
    for language, name, text in EXAMPLES:
        file = copy / name
        if language == "diff":
            text = with_hunks(text=file.read_text(encoding="utf-8"), diff=text)
        else:
            assert not file.exists(), f"{name} is there already"
        file.write_text(text, encoding="utf-8")
    add_delivery_times(copy / "seeds" / "sample" / "orders.csv")

    selections = {
        selection
        for command in COMMANDS
        if command.startswith(".venv/bin/dbt build --select ")
        for selection in command.split()[3:]
    }
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {
        "DBT_PROFILES_DIR": str(copy),
        "DBT_INDIRECT_SELECTION": "cautious",  # nothing was built before, as it is for a reader
        "WAREHOUSE_PATH": str(copy / "warehouse.duckdb"),
    }
    dbt = Path(sys.executable).with_name("dbt")
    result = subprocess.run(
        [dbt, "build", "--select", *sorted(selections)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    for name in (
        *("dim_customers__gaps_between_orders_add_up", "rpt_order_sizes__grain"),
        *("assert_order_sizes_hold_every_purchase_once",),
        *re.findall(r"- name: (an?_\w+)$", "".join(text for *_, text in EXAMPLES), re.M),
    ):
        assert re.search(rf"PASS .*{name}", result.stdout), name
    with duckdb.connect(str(copy / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def test_the_new_column_is_typed_kept_and_judged(warehouse):
    assert warehouse.execute(
        "select order_id, delivered_at::varchar from staging.stg_orders "
        "where delivered_at is not null"
    ).fetchall() == [("O000000322", "2023-10-09 08:00:00")]
    assert warehouse.execute(
        "select row_key from marts.rejected_rows "
        "where rejection_reasons = 'delivered_before_ordered'"
    ).fetchall() == [("O000000164",)]


def test_the_new_metric_is_the_mean_of_the_gaps_between_purchases(warehouse):
    shown = dict(
        warehouse.execute(
            "select customer_id, average_days_between_orders from marts.dim_customers "
            "where average_days_between_orders is not null"
        ).fetchall()
    )
    days: dict[str, list] = {}
    for customer, day in warehouse.execute(
        "select customer_id, order_date from marts.fct_orders "
        "where order_number is not null order by customer_id, order_number"
    ).fetchall():
        days.setdefault(customer, []).append(day)
    gaps = {
        customer: [(later - earlier).days for earlier, later in pairwise(dates)]
        for customer, dates in days.items()
    }
    means = {customer: sum(each) / len(each) for customer, each in gaps.items() if each}
    assert len(means) > 100
    assert shown == pytest.approx(means)


def test_the_new_mart_sorts_every_purchase_by_size(warehouse):
    amounts = [
        amount
        for (amount,) in warehouse.execute(
            "select net_revenue_amount from marts.fct_orders where is_purchase"
        ).fetchall()
    ]
    assert dict(warehouse.execute("from marts.rpt_order_sizes").fetchall()) == {
        "small": sum(amount < 50 for amount in amounts),
        "medium": sum(50 <= amount < 200 for amount in amounts),
        "large": sum(amount >= 200 for amount in amounts),
    }


def test_descriptions_of_the_examples_are_comments_in_the_database(warehouse):
    comments = dict(
        warehouse.execute(
            "select column_name, comment from duckdb_columns() where schema_name = 'marts' and "
            "(table_name = 'rpt_order_sizes' or column_name = 'average_days_between_orders')"
        ).fetchall()
    )
    assert comments.keys() == {
        *("average_days_between_orders", "order_size", "purchases"),
    }
    assert all(comments.values())


def test_every_other_command_names_what_is_there():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    yaml = "".join(file.read_text(encoding="utf-8") for file in PROJECT.glob("models/**/*.yml"))
    for command in COMMANDS:
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:.*## ", makefile, re.MULTILINE), command
        if command.startswith(".venv/bin/dbt test --select "):
            assert re.search(rf"name: {command.split()[-1]}\b", yaml, re.MULTILINE), command
        if "pytest" in command:
            file, _, name = command.split()[3:]
            tests = (PROJECT / file).read_text(encoding="utf-8")
            assert re.search(rf"^def test_\w*{name}", tests, re.MULTILINE), command
