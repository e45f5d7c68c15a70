"""The survival curve of a published table: 6-MP remission times, in weeks there and in days here.

Freireich et al. 1963, as printed in Kleinbaum & Klein, "Survival Analysis": 21 durations, `+`
censored, with the Kaplan-Meier estimates, the standard error at 23 and the median. Delivered twice:
as purchases, and as subscriptions of other customers.
"""

import csv
from datetime import date, timedelta

import duckdb
import pandas as pd
import pytest
from lifecycle import build_with_dbt
from reference import kaplan_meier

WINDOW_DAYS = 6
AS_OF = date(2024, 12, 31)
CHURNED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
SPELLS = [(days, False) for days in CHURNED] + [(days, True) for days in CENSORED]
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


def contract(*, duration: int, is_censored: bool) -> tuple[date, date | None]:
    """First day and end of a subscription of this length; without an end while it lasts."""
    if is_censored:
        return AS_OF - timedelta(days=duration - 1), None
    return date(2024, 1, 1), date(2024, 1, 1) + timedelta(days=duration)


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("remission")
    with (folder / "orders.csv").open("w", newline="") as file:
        orders = csv.writer(file)
        orders.writerow(["order_id", "customer_id", "ordered_at", "amount"])
        for customer, (duration, is_censored) in enumerate(SPELLS):
            days = purchase_days(duration=duration, is_censored=is_censored)
            for number, day in enumerate(days):
                orders.writerow([f"{customer}-{number}", f"buyer {customer}", day, "1.00"])
    with (folder / "subscriptions.csv").open("w", newline="") as file:
        subscriptions = csv.writer(file)
        subscriptions.writerow(
            ["subscription_id", "customer_id", "started_at", "ended_at", "amount"]
        )
        for number, (duration, is_censored) in enumerate(SPELLS):
            started, ended = contract(duration=duration, is_censored=is_censored)
            subscriptions.writerow([number, f"subscriber {number}", started, ended, "1.00"])
    return build_with_dbt(
        folder=folder,
        select=["+rpt_survival", "+rpt_survival_summary"],
        dbt_vars={"default_activity_window_days": WINDOW_DAYS},
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
    )


@pytest.mark.parametrize("relationship", ["orders", "subscription"])
def test_the_curve_is_the_printed_one(marts, relationship):
    rows = marts.execute(
        "select days_since, survival_rate from marts.rpt_survival "
        "where relationship = ? and segment_name = 'all' and churned_customers > 0",
        [relationship],
    ).fetchall()
    assert {day: round(rate, 3) for day, rate in rows} == PRINTED


@pytest.mark.parametrize("relationship", ["orders", "subscription"])
def test_the_standard_error_and_the_median_are_the_printed_ones(marts, relationship):
    error = marts.execute(
        "select standard_error from marts.rpt_survival "
        "where relationship = ? and segment_name = 'all' and days_since = 23",
        [relationship],
    ).fetchone()
    median = marts.execute(
        "select median_days from marts.rpt_survival_summary "
        "where relationship = ? and segment_name = 'all'",
        [relationship],
    ).fetchone()
    assert round(error[0], 4) == 0.1346
    assert median == (23,)


@pytest.mark.parametrize("relationship", ["orders", "subscription", "any"])
def test_the_curve_and_its_interval_are_those_of_lifelines(marts, relationship):
    times = 2 if relationship == "any" else 1
    expected, median = kaplan_meier(
        durations=[duration for duration, _ in SPELLS] * times,
        has_churned=[not is_censored for _, is_censored in SPELLS] * times,
    )
    columns = ", ".join(expected.columns)
    found = marts.execute(
        f"select {columns} from marts.rpt_survival "
        "where relationship = ? and segment_name = 'all' order by days_since",
        [relationship],
    ).df()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)
    assert median == 23
