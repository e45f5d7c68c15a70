"""The survival curve of a published table: 6-MP remission times, in weeks there and in days here.

Freireich et al. 1963, as printed in Kleinbaum & Klein, "Survival Analysis": 21 durations, `+`
censored, with the Kaplan-Meier estimates, the standard error at 23 and the median.
"""

import csv
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]
WINDOW_DAYS = 6
AS_OF = date(2024, 12, 31)
CHURNED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PRINTED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def purchase_days(*, duration: int, is_censored: bool) -> list[date]:
    """Days to buy on so that the first spell has this length under a window of six days."""
    if is_censored:  # seen through as-of, which is the last day of the duration
        first = AS_OF - timedelta(days=duration - 1)
        last = AS_OF
    else:
        first = date(2024, 1, 1)
        last = first + timedelta(days=duration - WINDOW_DAYS)
    days = (last - first).days
    return [first + timedelta(days=n) for n in sorted({*range(0, days, WINDOW_DAYS), days})]


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("remission")
    with (folder / "orders.csv").open("w", newline="") as file:
        orders = csv.writer(file)
        orders.writerow(["order_id", "customer_id", "ordered_at", "amount"])
        spells = [(days, False) for days in CHURNED] + [(days, True) for days in CENSORED]
        for customer, (duration, is_censored) in enumerate(spells):
            days = purchase_days(duration=duration, is_censored=is_censored)
            for number, day in enumerate(days):
                orders.writerow([f"{customer}-{number}", customer, day, "1.00"])
    settings = {
        "--raw-data": folder,
        "--warehouse": folder / "warehouse.duckdb",
        "--publish-dir": folder / "published",
        "--vars": f"{{default_activity_window_days: {WINDOW_DAYS}}}",
    }
    options = [str(part) for setting in settings.items() for part in setting]
    run = subprocess.run(
        [sys.executable, "-m", "python_helpers", "refresh", *options],
        cwd=PROJECT,
        # unit tests bring their own rows: a delivery changes nothing about them
        env={name: value for name, value in os.environ.items() if name != "AS_OF_DATE"}
        | {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True)


def test_the_curve_is_the_printed_one(marts):
    rows = marts.execute(
        "select days_since, survival_rate from marts.rpt_survival "
        "where relationship = 'orders' and segment_name = 'all' and churned_customers > 0"
    ).fetchall()
    assert {day: round(rate, 3) for day, rate in rows} == PRINTED


def test_the_standard_error_and_the_median_are_the_printed_ones(marts):
    error = marts.execute(
        "select standard_error from marts.rpt_survival "
        "where relationship = 'orders' and segment_name = 'all' and days_since = 23"
    ).fetchone()
    median = marts.execute(
        "select median_days from marts.rpt_survival_summary "
        "where relationship = 'orders' and segment_name = 'all'"
    ).fetchone()
    assert round(error[0], 4) == 0.1346
    assert median == (23,)
