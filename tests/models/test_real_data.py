"""The marts built on two real shops, compared row by row with the reference computation.

Three parts: the reference itself on cases small enough to check by hand; the reference on the
real data, against published numbers and its own identities; and the published marts against the
reference. The real data is not part of the repository: name its folder in LIFECYCLE_REAL_DATA.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import reference
import value_tables
from lifecycle import real_data, refresh_delivery

DATASETS = ("online_retail_2011", "cdnow_sample")
RELATIONSHIPS = ("orders", "any")
UNUSED_SEGMENTS = ("industry", "customer_segment", "acquisition_channel")
SHOWN_DIFFERENCES = 10


# ---------------------------------------------------------------------------------------------
# comparing two tables


def plain(*, value: object) -> object:
    """Turn a cell of pandas or DuckDB into the plain Python value that both can equal."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, dt.datetime):  # includes pandas' Timestamp
        return value.date()
    return value.item() if hasattr(value, "item") else value


def rows_by_key(
    *, frame: pd.DataFrame, keys: Sequence[str], values: Sequence[str]
) -> dict[tuple, dict[str, object]]:
    """Index the rows by their key, which must be one."""
    rows = {}
    for record in frame[[*keys, *values]].itertuples(index=False, name=None):
        cells = [plain(value=value) for value in record]
        key = tuple(cells[: len(keys)])
        assert key not in rows, f"two rows of {dict(zip(keys, key, strict=True))}"
        rows[key] = dict(zip(values, cells[len(keys) :], strict=True))
    return rows


def assert_same_rows(
    *,
    expected: pd.DataFrame,
    actual: pd.DataFrame,
    keys: Sequence[str],
    exact: Sequence[str] = (),
    close: Sequence[str] = (),
) -> None:
    """Compare two tables both ways: no row missing, none extra, no cell different.

    `close` columns may differ by 1e-12 of their size, which is rounding; NULL equals only NULL.
    """
    wanted = rows_by_key(frame=expected, keys=keys, values=[*exact, *close])
    found = rows_by_key(frame=actual, keys=keys, values=[*exact, *close])
    differences = []
    # as text, since a mart that is wrong may hold any type; padded, so that 2 comes before 10
    in_order = sorted(
        wanted.keys() | found.keys(), key=lambda key: [str(cell).rjust(20) for cell in key]
    )
    for key in in_order:
        if key not in found or key not in wanted:
            where = "reference" if key in wanted else "marts"
            differences.append(f"{key}: only in the {where}: {(wanted | found)[key]}")
            continue
        for column in (*exact, *close):
            want, got = wanted[key][column], found[key][column]
            same = want == got and (want is None) == (got is None)
            if not same and column in close and None not in (want, got):
                same = math.isclose(want, got, rel_tol=1e-12, abs_tol=0)
            if not same:
                differences.append(f"{key}: {column}: reference {want!r}, marts {got!r}")
    if differences:
        shown = "\n".join(differences[:SHOWN_DIFFERENCES])
        pytest.fail(f"{len(differences)} differences on {tuple(keys)}, the first:\n{shown}")


def test_a_comparison_names_a_missing_an_extra_and_a_different_row():
    expected = pd.DataFrame({"id": [1, 2, 3, 4], "n": [5, 6, 7, 8], "rate": [0.1, None, 0.3, 0.4]})
    actual = pd.DataFrame({"id": [1, 2, 3, 5], "n": [5, 6, 9, 8], "rate": [0.1, 0.0, 0.3, 0.4]})
    with pytest.raises(pytest.fail.Exception) as failure:
        assert_same_rows(expected=expected, actual=actual, keys=["id"], exact=["n"], close=["rate"])
    message = str(failure.value)
    assert "4 differences" in message
    assert "(2,): rate: reference None, marts 0.0" in message
    assert "(3,): n: reference 7, marts 9" in message
    assert "(4,): only in the reference" in message
    assert "(5,): only in the marts" in message


def test_a_comparison_forgives_rounding_and_nothing_more():
    def compare(*, rate: float) -> None:
        assert_same_rows(
            expected=pd.DataFrame({"id": [1], "rate": [0.3]}),
            actual=pd.DataFrame({"id": [1], "rate": [rate]}),
            keys=["id"],
            close=["rate"],
        )

    compare(rate=0.1 + 0.2)
    with pytest.raises(pytest.fail.Exception):
        compare(rate=0.3 + 1e-11)


# ---------------------------------------------------------------------------------------------
# the reference on cases made by hand


def order(customer_id: str | None, day: str, amount: str = "10.00", **columns: object) -> dict:
    """Make one raw order."""
    return {
        "customer_id": customer_id,
        "ordered_at": pd.Timestamp(day),
        "amount": Decimal(amount),
        **columns,
    }


@pytest.fixture
def make_raw(tmp_path):
    """Write raw files from a list of orders, with a region for some customers."""

    def write(*, orders: Sequence[dict], regions: dict[str, str | None] | None = None) -> Path:
        frame = pd.DataFrame(orders)
        frame.insert(0, "order_id", [f"o{number}" for number in range(len(frame))])
        frame.to_parquet(tmp_path / "orders.parquet")
        if regions:
            customers = pd.DataFrame(regions.items(), columns=["customer_id", "region"])
            customers.to_parquet(tmp_path / "customers.parquet")
        return tmp_path

    return write


def spell_dates(*, frame: pd.DataFrame) -> list[tuple[str, str | None]]:
    return [
        (str(row.started_on.date()), None if row.ended_on is pd.NaT else str(row.ended_on.date()))
        for row in frame.itertuples()
    ]


def counts_of(*, periods: pd.DataFrame, grain: str, start: str) -> dict[str, int]:
    """Return the counts of one period that are not zero."""
    is_period = (periods["period_grain"] == grain) & (
        periods["period_start_date"] == pd.Timestamp(start)
    )
    period = periods[is_period]
    assert len(period) == 1
    row = period.iloc[0]
    return {name: int(row[name]) for name in reference.PERIOD_COUNTS if row[name]}


def test_the_worked_example_of_the_definitions_has_two_spells(make_raw):
    raw = make_raw(orders=[order("ann", day) for day in ("2024-01-01", "2024-01-20", "2024-05-01")])
    spells = reference.spells(raw=raw, as_of=dt.date(2024, 12, 31))
    assert spell_dates(frame=spells) == [("2024-01-01", "2024-03-20"), ("2024-05-01", "2024-06-30")]
    assert spells["spell_number"].tolist() == [1, 2]
    assert spells["days_in_spell"].tolist() == [79, 60]
    assert not spells["is_active"].any()
    assert spells["lapses_on"].isna().all()


@pytest.mark.parametrize(
    ("as_of", "ended_on", "lapses_on", "days"),
    [("2024-06-29", None, "2024-06-30", 60), ("2024-06-30", "2024-06-30", None, 60)],
)
def test_a_spell_is_over_on_the_day_its_window_has_passed(
    make_raw, as_of, ended_on, lapses_on, days
):
    raw = make_raw(orders=[order("ann", "2024-05-01")])
    spells = reference.spells(raw=raw, as_of=dt.date.fromisoformat(as_of))
    assert spell_dates(frame=spells) == [("2024-05-01", ended_on)]
    assert [plain(value=day) for day in spells["lapses_on"]] == [
        lapses_on and dt.date.fromisoformat(lapses_on)
    ]
    assert spells["is_active"].tolist() == [lapses_on is not None]
    assert spells["days_in_spell"].tolist() == [days]


@pytest.mark.parametrize(("day", "spells"), [("2024-03-01", 1), ("2024-03-02", 2)])
def test_a_purchase_on_day_60_continues_the_spell_and_one_on_day_61_does_not(make_raw, day, spells):
    raw = make_raw(orders=[order("ann", "2024-01-01"), order("ann", day)])
    assert len(reference.spells(raw=raw, as_of=dt.date(2024, 12, 31))) == spells


def test_as_of_is_by_default_the_day_of_the_latest_order_of_any_kind(make_raw):
    raw = make_raw(orders=[order("ann", "2024-01-01"), order(None, "2024-01-05 17:00")])
    assert reference.spells(raw=raw)["days_in_spell"].tolist() == [5]


def test_as_of_is_never_later_than_yesterday(make_raw):
    today = dt.datetime.now(tz=dt.UTC).date()
    raw = make_raw(orders=[order("ann", "2024-01-01"), order("ann", str(today))])
    _, as_of = reference.read_orders(raw=raw)
    assert as_of.date() == today - dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("is_purchase", "columns"),
    [
        (True, {}),
        (True, {"status": "completed", "order_type": "sale"}),
        (True, {"amount": "0.00"}),
        (False, {"amount": "-10.00"}),
        (False, {"order_type": "return"}),
        (False, {"status": "pending"}),
        (False, {"status": "cancelled"}),
        (False, {"status": "refunded"}),
        (True, {"status": "refunded", "refunded_amount": Decimal("9.99")}),
        (True, {"refunded_amount": Decimal("0.00"), "amount": "0.00"}),
        (False, {"refunded_amount": Decimal("10.00")}),
        (True, {"refunded_amount": Decimal("8.00")}),
        (False, {"refunded_amount": Decimal("8.00"), "discount_amount": Decimal("2.00")}),
        (False, {"subscription_id": "s1"}),
        (False, {"customer_id": None}),
    ],
)
def test_a_purchase_is_a_completed_sale_not_refunded_of_a_known_customer(
    make_raw, is_purchase, columns
):
    made = order(**{"customer_id": "ann", "day": "2024-01-01"} | columns)
    raw = make_raw(orders=[made, order("bob", "2024-01-02")])
    customers = reference.spells(raw=raw)["customer_id"].tolist()
    assert customers == (["ann", "bob"] if is_purchase else ["bob"])


@pytest.mark.parametrize(
    ("is_purchase", "columns"),
    [
        (False, {"original_order_id": "o0", "ordered_at": pd.Timestamp("2024-12-24")}),
        (True, {"original_order_id": "o0", "amount": Decimal("9.99")}),
        (True, {"original_order_id": "o9"}),
        (True, {"original_order_id": "o0", "customer_id": "bob"}),
        (True, {"original_order_id": "o0", "status": "cancelled"}),
        (False, {"ordered_at": pd.Timestamp("2024-01-01 00:12")}),
        (False, {"amount": Decimal("-10.00")}),
        (True, {"amount": Decimal("9.99")}),
        (True, {"customer_id": "bob"}),
        (True, {"status": "pending"}),
        (False, {"ordered_at": pd.Timestamp("2024-03-01 23:59")}),
        (True, {"ordered_at": pd.Timestamp("2024-03-02 00:00")}),
    ],
)
def test_a_sale_that_came_back_as_a_whole_is_no_purchase(make_raw, is_purchase, columns):
    sale = order("ann", "2024-01-01") | {"original_order_id": None}
    came_back = order("ann", "2024-01-05", order_type="return", original_order_id=None) | columns
    raw = make_raw(orders=[sale, came_back, order("cid", "2024-12-31")])
    customers = reference.spells(raw=raw)["customer_id"].tolist()
    assert customers == (["ann", "cid"] if is_purchase else ["cid"])


def test_a_customer_who_churns_and_returns_inside_a_year_is_not_lost_in_the_year(make_raw):
    raw = make_raw(orders=[order("ann", "2023-12-15"), order("ann", "2024-12-01")])
    periods = reference.retention_periods(raw=raw, as_of=dt.date(2024, 12, 31))

    assert counts_of(periods=periods, grain="year", start="2024-01-01") == {
        "opening_customers": 1,
        "closing_customers": 1,
        "lost_and_returned_customers": 1,
        "active_in_period_customers": 1,
        "churn_events": 1,
    }
    assert counts_of(periods=periods, grain="month", start="2024-02-01") == {
        "opening_customers": 1,
        "lost_customers": 1,
        "active_in_period_customers": 1,
        "churn_events": 1,
    }
    assert counts_of(periods=periods, grain="quarter", start="2024-04-01") == {}
    assert counts_of(periods=periods, grain="month", start="2024-12-01") == {
        "closing_customers": 1,
        "reactivated_customers": 1,
        "active_in_period_customers": 1,
    }
    rates = periods.set_index(["period_grain", "period_start_date"])["churn_rate"]
    assert rates["year", "2024-01-01"] == 0
    assert rates["month", "2024-02-01"] == 1
    assert math.isnan(rates["month", "2024-03-01"])  # nobody to lose
    # Dec 2023 to Dec 2024: 13 months, each the end of a year too, 5 quarters, 2 years, those
    # without anybody included
    assert periods["period_grain"].value_counts().to_dict() == {
        "month": 13,
        "quarter": 5,
        "year": 2,
        "trailing_12_months": 13,
    }


def test_customers_who_come_and_go_inside_a_period_are_in_neither_end_of_it(make_raw):
    raw = make_raw(
        orders=[
            order("new", "2024-01-05"),
            order("back", "2023-06-01"),
            order("back", "2024-01-05"),
            order("long gone", "2023-06-01"),
        ]
    )
    periods = reference.retention_periods(raw=raw, as_of=dt.date(2024, 12, 31))
    came_and_went = {
        "new_and_lost_customers": 1,
        "reactivated_and_lost_customers": 1,
        "active_in_period_customers": 2,
        "churn_events": 2,
    }
    assert counts_of(periods=periods, grain="quarter", start="2024-01-01") == came_and_went
    assert counts_of(periods=periods, grain="year", start="2024-01-01") == came_and_went
    assert counts_of(periods=periods, grain="month", start="2024-01-01") == {
        "closing_customers": 2,
        "new_customers": 1,
        "reactivated_customers": 1,
        "active_in_period_customers": 2,
    }


def test_a_spell_that_ends_on_the_first_of_a_month_is_lost_in_that_month(make_raw):
    raw = make_raw(orders=[order("ann", "2024-01-01")])  # 31 + 29 days: ends on March 1
    periods = reference.retention_periods(raw=raw, as_of=dt.date(2024, 3, 31))
    assert counts_of(periods=periods, grain="month", start="2024-02-01") == {
        "opening_customers": 1,
        "closing_customers": 1,
        "active_in_period_customers": 1,
    }
    assert counts_of(periods=periods, grain="month", start="2024-03-01") == {
        "opening_customers": 1,
        "lost_customers": 1,
        "active_in_period_customers": 1,
        "churn_events": 1,
    }


def test_a_period_cut_short_closes_on_as_of_and_has_no_rate(make_raw):
    raw = make_raw(orders=[order("ann", "2024-01-01"), order("bob", "2024-01-10")])
    periods = reference.retention_periods(raw=raw, as_of=dt.date(2024, 3, 1))
    cut = periods[periods["period_grain"] == "month"].iloc[-1]
    assert cut["period_start_date"] == pd.Timestamp("2024-03-01")
    assert not cut["is_complete_period"]
    assert (cut["opening_customers"], cut["lost_customers"], cut["closing_customers"]) == (2, 1, 1)
    assert math.isnan(cut["churn_rate"])
    assert math.isnan(cut["retention_rate"])
    whole = reference.retention_periods(raw=raw, as_of=dt.date(2024, 2, 29))
    assert whole.query("period_grain == 'month'")["is_complete_period"].all()


def test_a_region_has_rows_from_its_own_first_activity(make_raw):
    raw = make_raw(
        orders=[order("ann", "2024-01-01"), order("bob", "2024-03-01"), order("cid", "2024-03-01")],
        regions={"ann": "north", "bob": None},
    )
    periods = reference.retention_periods(raw=raw, as_of=dt.date(2024, 4, 30))
    months = periods.query("period_grain == 'month'").groupby("region")["period_start_date"]
    assert {region: len(starts) for region, starts in months} == {"north": 4, "unknown": 2}
    assert months.min()["unknown"] == pd.Timestamp("2024-03-01")


def test_a_cohort_counts_its_buyers_its_active_and_its_money_at_every_age(make_raw):
    raw = make_raw(
        orders=[
            order("ann", "2023-12-20", "4.00", order_type="return"),  # bought before the records
            order("ann", "2024-01-10", "100.10"),
            order("ann", "2024-01-20", "-0.05"),  # an adjustment
            order("ann", "2024-04-30", "50.00"),
            order("ann", "2024-05-02", "-20.00", order_type="return"),
            order("bob", "2024-01-31", "10.00"),
            order("bob", "2024-02-01", "7.00", status="cancelled"),
            order("cid", "2024-03-03", "1.00", order_type="return"),  # never bought
            order(None, "2024-01-15", "1000.00"),
        ]
    )
    cohorts = reference.cohort_retention(raw=raw, as_of=dt.date(2024, 5, 15))
    assert cohorts["months_since"].tolist() == [0, 1, 2, 3, 4]
    assert set(cohorts["cohort_month"]) == {pd.Timestamp("2024-01-01")}
    assert set(cohorts["cohort_customers"]) == {2}
    assert cohorts["purchasing_customers"].tolist() == [2, 0, 0, 1, 0]
    # Ann is active to March 9 and again from April 30, Bob through March 30: neither on the 31st
    assert cohorts["active_customers"].tolist() == [2, 2, 0, 1, 1]
    amounts = [Decimal(amount) for amount in ("106.05", "0", "0", "50.00", "-20.00")]
    assert cohorts["revenue_amount"].tolist() == amounts
    assert cohorts["margin_amount"].tolist() == amounts
    assert cohorts["cumulative_revenue_amount"].tolist() == [
        Decimal(amount) for amount in ("106.05", "106.05", "106.05", "156.05", "136.05")
    ]
    assert cohorts["is_complete_period"].tolist() == [True, True, True, True, False]
    # the whole file: also those in no cohort
    assert reference.total_revenue(raw=raw) == Decimal("1135.05")


def test_survival_reproduces_the_published_example():
    # c = censored
    text = "6 6 6 6c 7 9c 10 10c 11c 13 16 17c 19c 20c 22 23 25c 32c 32c 34c 35c"
    curve, median = reference.kaplan_meier(
        durations=[int(part.rstrip("c")) for part in text.split()],
        has_churned=[not part.endswith("c") for part in text.split()],
    )
    curve = curve.set_index("days_since")
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for day, rate in published.items():
        assert curve.loc[day, "survival_rate"] == pytest.approx(rate, abs=0.0005)
    assert curve.loc[23, "standard_error"] == pytest.approx(0.1346, abs=0.00005)
    assert median == 23
    # a customer censored on a day is still in that day's risk set
    counts = curve.loc[6, ["risk_set_customers", "churned_customers", "censored_customers"]]
    assert counts.tolist() == [21, 3, 1]
    assert curve.loc[0, "survival_rate"] == 1
    assert math.isnan(curve.loc[0, "standard_error"])
    assert math.isnan(curve.loc[0, "ci_low"])


def test_a_curve_that_touches_one_half_has_its_median_there():
    # 5/6 x 4/5 x 3/4 is one half, but lifelines' float is above it, and its median a day late
    curve, median = reference.kaplan_meier(durations=range(1, 7), has_churned=[True] * 6)
    assert median == 3
    assert curve["survival_rate"].tolist() == pytest.approx(
        [number / 6 for number in range(6, -1, -1)]
    )
    assert math.isnan(curve["standard_error"].iloc[-1])  # the estimate is 0
    assert math.isnan(curve["ci_high"].iloc[-1])


def test_survival_is_of_first_spells_and_censored_at_the_end_of_as_of(make_raw):
    raw = make_raw(
        orders=[
            order("once", "2024-01-01"),
            order("twice", "2024-01-01"),
            order("twice", "2024-02-01"),
            order("twice", "2024-09-01"),  # a second spell says nothing about the first
            order("late", "2024-09-01"),
        ],
        regions={"once": "north", "twice": "north"},
    )
    curves, medians = reference.survival(raw=raw, as_of=dt.date(2024, 9, 10))
    everyone = curves.query("segment_name == 'all'")
    assert everyone["days_since"].tolist() == [0, 10, 60, 91]
    assert everyone["risk_set_customers"].tolist() == [3, 3, 2, 1]
    assert everyone["churned_customers"].tolist() == [0, 0, 1, 1]
    assert everyone["censored_customers"].tolist() == [0, 1, 0, 0]
    assert everyone["survival_rate"].tolist() == pytest.approx([1, 1, 0.5, 0])
    known = medians.set_index(["segment_name", "segment_value"])["median_days"].dropna()
    assert known.to_dict() == {("all", "all"): 60, ("region", "north"): 60}


def test_a_window_is_judged_by_who_returns_and_unfinished_waits_are_censored(make_raw):
    raw = make_raw(
        orders=[
            order("returns", "2023-01-01"),
            order("returns", "2023-04-11"),  # after 100 days
            order("returns twice a day", "2023-01-01"),
            order("returns twice a day", "2023-07-20"),  # after 200 days
            order("returns twice a day", "2023-07-20"),
            order("stays away", "2023-01-01"),
        ]
    )
    as_of = dt.date(2023, 10, 28)  # 300 days, 200 days and 100 days after the last purchases
    fit = reference.window_fit(raw=raw, windows=[60, 100, 150, 250], min_waits=1, as_of=as_of)
    assert fit["waits"].tolist() == [5, 4, 3, 1]
    assert fit["returned_waits"].tolist() == [2, 1, 1, 0]
    assert fit["censored_waits"].tolist() == [3, 3, 2, 1]
    assert set(fit["estimated_days"]) == {300}
    # of five waits one ends after 100 days, and of the three that are left one after 200
    assert fit["return_rate"].tolist() == pytest.approx([1 - 4 / 5 * 2 / 3, 1 / 3, 1 / 3, 0])
    assert not fit["is_suggested"].any()  # 250 is more than half of 300
    short = reference.window_fit(raw=raw, windows=[60], min_waits=6, as_of=as_of)
    assert math.isnan(short["return_rate"].iloc[0])


# ---------------------------------------------------------------------------------------------
# the reference on the real data, before anything is built


def test_the_reference_finds_the_known_totals_of_the_gift_shop():
    raw = real_data("online_retail_2011")
    assert reference.total_revenue(raw=raw) == Decimal("9747747.93")
    orders, _ = reference.read_orders(raw=raw)
    sales = orders[(orders["order_type"] == "sale") & (orders["amount"] >= 0)]
    assert sales["customer_id"].nunique() == 4338


def test_the_reference_knows_the_great_returns_of_the_gift_shop():
    raw = real_data("online_retail_2011")
    # 74,215 jars and 80,995 paper birds, ordered and sent back within the hour: what those who
    # describe the data set warn of
    matches = reference.read_matches(raw=raw, as_of=None)
    assert matches.by_id == {}  # the data name no sale
    assert matches.by_amount["C541433"] == "541431"
    assert matches.by_amount["C581484"] == "581483"
    spells = reference.spells(raw=raw)
    assert "12346" not in set(spells["customer_id"])  # that order was the only one
    assert len(spells[spells["customer_id"] == "16446"]) == 1  # an order of 2.90 is left


def test_customers_of_the_gift_shop_who_never_bought_have_brought_nothing():
    raw = real_data("online_retail_2011")
    orders, _ = reference.read_orders(raw=raw)
    sales = orders[(orders["order_type"] == "sale") & (orders["amount"] >= 0)]
    never = set(sales["customer_id"].dropna()) - set(reference.spells(raw=raw)["customer_id"])
    brought = reference.revenue_entries(raw=raw).groupby("customer_id")["cents"].sum()
    assert never
    assert (brought[sorted(never)] <= 0).all()


def test_the_reference_finds_the_published_repeat_purchases_of_cdnow():
    raw = real_data("cdnow_sample")
    purchases, _ = reference.read_purchases(raw=raw, as_of=None)
    calibration = purchases[purchases["day"] <= "1997-09-30"]
    days = calibration.drop_duplicates(["customer_id", "day"]).groupby("customer_id").size()
    repeats = (days - 1).value_counts()
    assert len(days) == 2357
    # as in the histogram test of lifetimes, the library the sample comes from
    assert [repeats[number] for number in range(7)] == [1411, 439, 214, 100, 62, 38, 29]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_reference_obeys_the_identities_of_periods(dataset):
    periods = reference.retention_periods(raw=real_data(dataset))
    assert (
        periods["closing_customers"]
        == periods["opening_customers"]
        - periods["lost_customers"]
        + periods["new_customers"]
        + periods["reactivated_customers"]
    ).all()
    assert (
        periods["active_in_period_customers"]
        == periods["opening_customers"]
        + periods["new_customers"]
        + periods["reactivated_customers"]
        + periods["new_and_lost_customers"]
        + periods["reactivated_and_lost_customers"]
    ).all()
    # the year that ends in a month is followed by the one that ends twelve months later
    for is_trailing, shift in ((False, 1), (True, 12)):
        grains = periods[(periods["period_grain"] == "trailing_12_months") == is_trailing]
        following = grains.groupby(["period_grain", "region"])["opening_customers"].shift(-shift)
        assert following.notna().any() or is_trailing
        assert (following.isna() | (following == grains["closing_customers"])).all()


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_reference_puts_every_known_customers_money_in_one_cohort(dataset):
    raw = real_data(dataset)
    cohorts = reference.cohort_retention(raw=raw)
    buyers = set(reference.spells(raw=raw)["customer_id"])
    entries = reference.revenue_entries(raw=raw)
    cents = entries.loc[entries["customer_id"].isin(buyers), "cents"].sum()
    assert cohorts["revenue_amount"].sum() == reference.money(cents=cents)
    assert cohorts.query("months_since == 0")["cohort_customers"].sum() == len(buyers)


# ---------------------------------------------------------------------------------------------
# the published marts against the reference


@dataclass(frozen=True)
class Built:
    """A data set and the marts that the project published from it."""

    raw: Path
    marts: duckdb.DuckDBPyConnection
    said: str

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """Run a query; amounts stay exact decimals and NULL stays None."""
        cursor = self.marts.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)


@pytest.fixture(scope="module", params=DATASETS)
def built(request, tmp_path_factory) -> Iterator[Built]:
    """Build and publish one data set the way a user does, and open what was published."""
    raw = real_data(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    refreshed = refresh_delivery(folder, delivery=raw)
    assert refreshed.exit_code == 0, refreshed.output
    with duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True) as marts:
        yield Built(raw=raw, marts=marts, said=refreshed.stderr)


@pytest.mark.parametrize(
    "mart",
    ["fct_activity_spells", "rpt_retention_periods", "rpt_cohort_retention", "rpt_survival"],
)
def test_a_shop_has_the_relationship_orders_and_their_union(built, mart):
    found = built.query(f"select distinct relationship from marts.{mart}")
    assert set(found["relationship"]) == set(RELATIONSHIPS)


@pytest.mark.parametrize("mart", ["rpt_retention_periods", "rpt_cohort_retention"])
def test_a_segment_that_the_data_lacks_is_unknown(built, mart):
    found = built.query(f"select distinct {', '.join(UNUSED_SEGMENTS)} from marts.{mart}")
    assert found.to_numpy().tolist() == [["unknown"] * len(UNUSED_SEGMENTS)]


@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_spells_equal_the_reference(built, relationship):
    assert_same_rows(
        expected=reference.spells(raw=built.raw),
        actual=built.query(
            "select * from marts.fct_activity_spells where relationship = ?", [relationship]
        ),
        keys=["customer_id", "spell_number"],
        exact=["started_on", "ended_on", "lapses_on", "is_active", "days_in_spell"],
    )


@pytest.mark.parametrize("grain", reference.GRAINS)
@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_retention_periods_equal_the_reference(built, relationship, grain):
    periods = reference.retention_periods(raw=built.raw)
    assert_same_rows(
        expected=periods[periods["period_grain"] == grain],
        actual=built.query(
            """
            select * from marts.rpt_retention_periods
            where relationship = ? and period_grain = ?
            """,
            [relationship, grain],
        ),
        keys=["period_start_date", "region"],
        exact=["is_complete_period", *reference.PERIOD_COUNTS],
        close=["churn_rate", "retention_rate"],
    )


@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_cohort_retention_equals_the_reference(built, relationship):
    assert_same_rows(
        expected=reference.cohort_retention(raw=built.raw),
        actual=built.query(
            "select * from marts.rpt_cohort_retention where relationship = ?", [relationship]
        ),
        keys=["cohort_month", "months_since", "region"],
        exact=[
            "cohort_customers",
            "purchasing_customers",
            "active_customers",
            "revenue_amount",
            "margin_amount",
            "cumulative_revenue_amount",
            "cumulative_margin_amount",
            "is_complete_period",
        ],
    )


def with_unused_segments(*, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the slices that the data says nothing of: all customers, under unknown or none."""
    everyone = frame[frame["segment_name"] == "all"]
    unsaid = dict.fromkeys((*UNUSED_SEGMENTS, "vertical", "discount"), "unknown")
    unsaid["first_plan"] = "none"
    unknown = [
        everyone.assign(segment_name=name, segment_value=value) for name, value in unsaid.items()
    ]
    return pd.concat([frame, *unknown], ignore_index=True)


@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_survival_equals_lifelines(built, relationship):
    curves, _ = reference.survival(raw=built.raw)
    assert_same_rows(
        expected=with_unused_segments(frame=curves),
        actual=built.query(
            "select * from marts.rpt_survival where relationship = ?", [relationship]
        ),
        keys=["segment_name", "segment_value", "days_since"],
        exact=["risk_set_customers", "churned_customers", "censored_customers"],
        close=["survival_rate", "standard_error", "ci_low", "ci_high"],
    )


@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_median_survival_equals_lifelines(built, relationship):
    _, medians = reference.survival(raw=built.raw)
    assert_same_rows(
        expected=with_unused_segments(frame=medians),
        actual=built.query(
            "select * from marts.rpt_survival_summary where relationship = ?", [relationship]
        ),
        keys=["segment_name", "segment_value"],
        exact=["median_days"],
    )


def test_a_window_that_calls_too_many_lost_is_named_in_the_warnings(built):
    said = (
        r"Vertical unknown: \d+ % of the customers that its activity window of 60 days calls lost"
    )
    assert re.search(said, built.said)


def test_the_fit_of_activity_windows_equals_the_reference(built):
    fit = built.query("select * from marts.rpt_activity_window_fit")
    expected = reference.window_fit(raw=built.raw)
    # without verticals there is one group, whatever it is called
    assert fit["vertical"].nunique() == 1
    assert_same_rows(
        expected=expected.assign(
            is_chosen=expected["window_days"] == reference.ACTIVITY_WINDOW_DAYS
        ),
        actual=fit,
        keys=["window_days"],
        exact=[
            *("waits", "returned_waits", "censored_waits", "estimated_days"),
            *("is_chosen", "is_suggested"),
        ],
        close=["return_rate"],
    )


def test_the_answer_of_a_shop_is_its_suggested_window_or_that_its_history_is_too_short(built):
    suggested = reference.window_fit(raw=built.raw).query("is_suggested")["window_days"].tolist()
    ((window, status),) = built.query(
        "select suggested_window_days, suggestion_status from marts.rpt_activity_window_fit "
        "where is_chosen"
    ).itertuples(index=False)
    expected = (suggested[0], "suggested") if suggested else (None, "history too short")
    assert (plain(value=window), status) == expected
    said = f"Suggested: {suggested[0]}" if suggested else "Suggested: history too short"
    (sentence,) = built.query(
        "select headline_sentence from marts.rpt_headlines where headline = 'Activity window'"
    )["headline_sentence"]
    assert re.fullmatch(rf"60 days in use: \d+ % come back\. {said}", sentence)


def test_only_a_shop_that_was_open_before_its_data_has_an_oversized_first_cohort(built):
    first = reference.cohort_retention(raw=built.raw).query("months_since == 0")
    sizes = first.groupby("cohort_month")["cohort_customers"].sum()
    is_oversized = built.raw.name == "online_retail_2011"
    assert (sizes.iloc[0] > 2 * sizes.iloc[1:7].median()) == is_oversized
    flagged = built.query(
        "select distinct cohort_month from marts.rpt_cohort_retention "
        "where is_first_cohort_oversized"
    )
    assert [plain(value=month) for month in flagged["cohort_month"]] == (
        [sizes.index[0].date()] if is_oversized else []
    )
    warning = f"The first cohort, {sizes.index[0]:%Y-%m}, has {sizes.iloc[0]} customers"
    assert (warning in built.said) == is_oversized


def test_the_same_orders_are_purchases_as_in_the_reference(built):
    purchases, _ = reference.read_purchases(raw=built.raw, as_of=None)
    assert_same_rows(
        expected=purchases.rename(columns={"day": "order_date"}),
        # an anonymous order can be a purchase, but nobody's: it has no number
        actual=built.query("select * from marts.fct_orders where order_number is not null"),
        keys=["order_id"],
        exact=["customer_id", "order_date"],
    )


def test_every_return_belongs_to_the_sale_of_the_reference(built):
    matches = reference.read_matches(raw=built.raw, as_of=None)
    expected = pd.DataFrame(
        [
            {"order_id": order_id, "sale_order_id": sale_id, "matched_by": matched_by}
            for matched_by, found in (
                ("original_order_id", matches.by_id),
                ("amount", matches.by_amount),
            )
            for order_id, sale_id in found.items()
        ],
        columns=["order_id", "sale_order_id", "matched_by"],
    )
    assert_same_rows(
        expected=expected,
        actual=built.query(
            """
            select
                order_id,
                sale_order_id,
                case when original_order_id is null then 'amount' else 'original_order_id' end
                    as matched_by
            from marts.fct_orders
            where sale_order_id is not null
            """
        ),
        keys=["order_id"],
        exact=["sale_order_id", "matched_by"],
    )


def test_the_returned_amounts_are_those_of_the_reference(built):
    taken_back = reference.read_matches(raw=built.raw, as_of=None).taken_back
    found = built.query(
        "select order_id, returned_amount from marts.fct_orders where returned_amount <> 0"
    )
    assert dict(zip(found["order_id"], map(Fraction, found["returned_amount"]), strict=True)) == {
        order_id: amount for order_id, amount in taken_back.items() if amount
    }


def test_every_order_brings_the_revenue_of_the_reference(built):
    entries = reference.revenue_entries(raw=built.raw)
    entries["net_revenue_amount"] = [reference.money(cents=cents) for cents in entries["cents"]]
    entries["customer_id"] = entries["customer_id"].fillna("anonymous")
    assert_same_rows(
        expected=entries.rename(columns={"day": "order_date"}),
        actual=built.query("select * from marts.fct_orders"),
        keys=["order_id"],
        exact=["customer_id", "order_date", "net_revenue_amount"],
    )


def test_total_revenue_is_that_of_the_raw_file(built):
    found = built.query("select sum(net_revenue_amount) as total from marts.fct_orders")
    assert found["total"].tolist() == [reference.total_revenue(raw=built.raw)]


@pytest.mark.parametrize("grain", reference.GRAINS)
def test_revenue_mix_adds_up_to_all_revenue_of_each_period(built, grain):
    periods = reference.revenue_periods(raw=built.raw)
    # a period without revenue may or may not have a row, so zeros are left out on both sides
    nonzero = periods[(periods["period_grain"] == grain) & (periods["cents"] != 0)]
    assert_same_rows(
        expected=nonzero,
        actual=built.query(
            """
            select
                period_start_date,
                region,
                sum(total_revenue_amount) as total_revenue_amount
            from marts.rpt_revenue_mix
            where period_grain = ?
            group by all
            having sum(total_revenue_amount) <> 0
            """,
            [grain],
        ),
        keys=["period_start_date", "region"],
        exact=["total_revenue_amount"],
    )


def test_no_raw_row_is_lost(built):
    rows = built.query(
        """
        select
            sum(raw_rows) as raw_rows,
            count_if(
                raw_rows <> accepted_rows + superseded_rows + rejected_rows + held_back_rows
            ) as tables_that_do_not_add_up
        from marts.row_reconciliation
        """
    ).iloc[0]
    assert rows["tables_that_do_not_add_up"] == 0
    assert rows["raw_rows"] == sum(
        len(pd.read_parquet(file)) for file in built.raw.glob("*.parquet")
    )


# what the history shows of each shop: the family of purchases that is chosen, its verdict, that of
# the model without leaving, and how buyers are predicted
SHOWN = {
    "online_retail_2011": ("bg_nbd", "dropout not identified", "used", "formula"),
    "cdnow_sample": ("mbg_nbd", "used", "less likely", "mbg_nbd_gamma_gamma"),
}


def test_value_says_what_the_history_shows_of_leaving(built):
    family, verdict, verdict_without, method = SHOWN[built.raw.name]
    found = built.query(
        "select distinct model, verdict, is_chosen from marts.rpt_ltv_model_fit "
        "where segment_name = 'all' and model in ('bg_nbd', 'mbg_nbd', 'nbd')"
    ).set_index("model")
    # where nobody is seen to leave, both families are the same, and rounding chooses
    chosen = found.index[found["is_chosen"].astype(bool)].tolist()
    assert chosen == [family] or (len(chosen) == 1 and verdict == "dropout not identified")
    assert found.loc[chosen[0], "verdict"] == verdict
    assert found.loc["nbd", "verdict"] == verdict_without
    buyers = built.query(
        "select distinct ltv_status, ltv_method, p_alive is null as is_unknown, "
        "p_no_purchase_next_window is null as has_no_chance "
        "from marts.fct_customer_value where orders_count > 0"
    ).to_dict("records")
    is_shown = verdict == "used"
    assert buyers == [
        {
            "ltv_status": "ok" if is_shown else verdict,
            "ltv_method": method,
            "is_unknown": not is_shown,
            "has_no_chance": False,
        }
    ]
    assert is_shown != ("does not show that buyers leave" in built.said)


def test_chances_hold_for_churned_customers_for_active_ones_and_in_every_tenth(built):
    found = built.query(
        "select statistic, chance_decile, value from marts.rpt_ltv_model_fit where is_used "
        "and model <> 'gamma_gamma' and segment_name = 'all' and frequency_class = 'all'"
    )
    of_all = found[found["chance_decile"] == "all"].set_index("statistic")["value"]
    assert of_all["brier_score"] < 0.9 * of_all["brier_score_of_share"]
    for group in ("churned", "active"):
        off = of_all[f"holdout_{group}_chance"] - of_all[f"holdout_{group}_share"]
        assert abs(off) < 0.05
    tenths = found.pivot_table(
        index="chance_decile", columns="statistic", values="value", aggfunc="sum"
    ).drop(index="all")
    assert (tenths["decile_chance"] - tenths["decile_share"]).abs().mean() < 0.06
    assert tenths["decile_share"].astype(float).corr(tenths["decile_chance"].astype(float)) > 0.9


def test_the_guide_to_customer_value_has_the_tables_of_the_build(built):
    page = value_tables.PAGE.read_text(encoding="utf-8")
    assert value_tables.written(name=built.raw.name, page=page) == value_tables.tables(built.marts)


@pytest.mark.long
def test_a_longer_window_gives_the_formula_of_the_gift_shop_that_the_guide_tells(tmp_path):
    raw = real_data("online_retail_2011")
    refreshed = refresh_delivery(tmp_path, "--activity-window", 180, delivery=raw)
    assert refreshed.exit_code == 0, refreshed.output
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as marts:
        ahead, before = value_tables.margin_of_12_months(marts)
    sentence = (
        f"predicts {ahead:,.0f} for the next 12 months, where the last 12 brought {before:,.0f}."
    )
    page = value_tables.PAGE.read_text(encoding="utf-8")
    assert sentence in re.sub(r"\s+", " ", page)
