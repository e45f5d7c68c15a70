"""The benchmark runs, and its table is of the whole path from raw orders to what is published."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.nightly  # it builds and publishes the warehouse


def table_of(*arguments: object) -> list[list[str]]:
    """Run the benchmark; returns the cells of the table it prints, without the header."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *map(str, arguments)],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_table_has_every_part_and_the_parts_add_up(tmp_path):
    rows = table_of("--customers", 300, "--folder", tmp_path)
    names = [row[0] for row in rows]
    assert names[0] == "**raw copy**"
    assert names[-2:] == ["publishing", "export to Parquet"]
    end = names.index("**order path**")
    steps = sum(float(row[1]) for row in rows[1:end])
    assert float(rows[end][1]) == pytest.approx(steps, abs=0.05 * end)
    for part in ("order lines", "lifecycle and loyalty", "lifetime value"):
        assert names.index(f"**{part}**") > end
    # what it made is gone but for the raw data
    assert not list(tmp_path.glob("*.duckdb"))


def test_the_path_of_subscriptions_has_a_table_of_its_own(tmp_path):
    names = [
        name for name, *_ in table_of("--subscriptions", "--customers", 60, "--folder", tmp_path)
    ]
    assert names[0] == "**raw copy**"
    assert "**subscription path**" in names


def test_a_customer_with_very_many_orders_is_a_part_of_a_benchmark(tmp_path):
    names = [name for name, *_ in table_of("--skewed", "--customers", 60, "--folder", tmp_path)]
    assert "**order path**" in names
    orders = tmp_path / "raw_orders_60_skewed" / "orders.parquet"
    sql = f"select count(*) from '{orders}' where customer_id = 'guest'"
    assert duckdb.sql(sql).fetchall() == [(1_000_000,)]
