"""Lifetime value that is arithmetic: a worked example, and the sample worked out with pandas.

What the marts build on (purchases, spells, cohorts) has its own tests; here every number that
fct_customer_value and its reports add is computed once more, another way.
"""

import csv
import datetime as dt
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import build_with_dbt

MARTS = (
    "fct_customer_value",
    "rpt_formula_ltv",
    "rpt_marketing_mix",
    "rpt_repeat_purchases",
    "rpt_retention_uplift",
    "rpt_value_concentration",
)
SELECTED = [f"+{mart}" for mart in MARTS]
SEGMENTS = ("region", "industry", "customer_segment", "acquisition_channel")
SLICES = (*SEGMENTS, "vertical", "discount", "first_plan")
AS_OF = dt.date(2025, 11, 15)  # within a month, which then does not count
WINDOWS = {"month": 6, "quarter": 4, "year": 1, "trailing_12_months": 1}


# A worked example: of a hundred buyers 45, 25, 15, 10 and 5 bought 1, 2, 3, 4 and 5 units


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the concentration of a hundred buyers of units at 1.00."""
    folder = tmp_path_factory.mktemp("units")
    bought = np.repeat([1, 2, 3, 4, 5], [45, 25, 15, 10, 5])
    with (folder / "orders.csv").open("w", newline="") as file:
        orders = csv.writer(file)
        orders.writerow(["order_id", "customer_id", "ordered_at", "amount"])
        for buyer, amount in enumerate(bought):
            orders.writerow([buyer, f"buyer {buyer}", "2024-01-01", amount])
    with build_with_dbt(
        folder=folder,
        select=["+rpt_value_concentration"],
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
    ) as warehouse:
        yield warehouse


@pytest.mark.parametrize("measure", ["net_revenue", "margin"])
def test_the_best_fifth_of_a_hundred_buyers_buy_39_percent_and_gini_is_3085(units, measure):
    rows = units.execute(
        "select distinct round(top_20_percent_share, 3), round(gini, 4) "
        "from marts.rpt_value_concentration where value_measure = ?",
        [measure],
    ).fetchall()
    assert rows == [(0.390, 0.3085)]


def test_the_tenths_of_a_hundred_buyers_add_up_to_205_units(units):
    rows = units.execute(
        "select customers, cast(value_amount as integer) from marts.rpt_value_concentration "
        "where value_measure = 'margin' order by decile"
    ).fetchall()
    # 5 x 5 and 5 x 4; 5 x 4 and 5 x 3; 10 x 3; 10 x 2; ...; 5 x 2 and 5 x 1; ...
    assert rows == [(10, units) for units in (45, 35, 30, 20, 20, 15, 10, 10, 10, 10)]


# The sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the marts from the sample as it was within a month."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("value"),
        select=[*SELECTED, "+fct_orders", "+fct_activity_spells", "+dim_periods"],
        AS_OF_DATE=AS_OF,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


def frame(warehouse: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    """Run a query; decimals become floating point, dates become times, unknown numbers NaN."""
    rows = warehouse.execute(sql).df()
    return rows.astype({name: float for name in rows.select_dtypes("number").columns})


def assert_same(expected: pd.DataFrame, found: pd.DataFrame, *, keys: list[str]) -> None:
    """Compare two tables, whatever the order of their rows and the width of their numbers."""
    sides = [
        side[list(expected.columns)].sort_values(keys).reset_index(drop=True)
        for side in (found, expected)
    ]
    pd.testing.assert_frame_equal(*sides, check_dtype=False, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def purchase_days(sample: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return one row per customer and day with a purchase, in order."""
    return frame(
        sample,
        "select distinct customer_id, order_date as day from marts.fct_orders "
        "where is_purchase and customer_id <> 'anonymous' order by all",
    )


@pytest.fixture(scope="module")
def margins(sample: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the margin of every order, that of a return on the day of the sale it belongs to."""
    orders = frame(
        sample,
        "select order_id, sale_order_id, customer_id, order_date as day, margin_amount as margin "
        "from marts.fct_orders where customer_id <> 'anonymous'",
    )
    day_of = orders.set_index("order_id")["day"]
    return orders.assign(day=orders["sale_order_id"].map(day_of).fillna(orders["day"]))


def test_the_histories_are_those_of_the_days_with_a_purchase(sample, purchase_days, margins):
    as_of = pd.Timestamp(AS_OF)
    calibrated = as_of - pd.Timedelta(weeks=26)
    margins_of = dict(list(margins.groupby("customer_id")))
    assert (margins["sale_order_id"].notna() & (margins["day"] > calibrated)).any()

    def history(days: pd.DataFrame) -> pd.Series:
        known = days[days["day"] <= calibrated]
        is_known = len(known) > 0
        orders = margins_of[days.name]
        repeats = orders[orders["day"] > days["day"].iloc[0]]
        is_held_out = orders["day"] > calibrated
        return pd.Series(
            {
                "purchase_days_count": len(days),
                "clv_frequency": len(days) - 1,
                "clv_recency_days": (days["day"].iloc[-1] - days["day"].iloc[0]).days,
                "clv_age_days": (as_of - days["day"].iloc[0]).days,
                "repeat_margin_amount": repeats["margin"].sum(),
                "median_gap_days": days["day"].diff().dt.days.median() if len(days) > 1 else np.nan,
                "calibration_frequency": len(known) - 1 if is_known else np.nan,
                "calibration_recency_days": (known["day"].iloc[-1] - known["day"].iloc[0]).days
                if is_known
                else np.nan,
                "calibration_age_days": (calibrated - known["day"].iloc[0]).days
                if is_known
                else np.nan,
                "calibration_repeat_margin_amount": repeats["margin"][
                    repeats["day"] <= calibrated
                ].sum()
                if is_known
                else np.nan,
                "holdout_purchase_days": len(days) - len(known),
                "holdout_margin_amount": orders["margin"][is_held_out].sum(),
            }
        )

    expected = purchase_days.groupby("customer_id")[["day"]].apply(history).reset_index()
    found = frame(sample, "from intermediate.int_purchase_histories")
    assert expected["calibration_frequency"].isna().any()
    assert_same(expected, found, keys=["customer_id"])


def tiles(order: pd.DataFrame, *, by: list[str], count: int) -> pd.Series:
    """Cut customers into even parts, 1 to `count`, in ascending order; the first are the larger."""
    customers = order.sort_values(by)["customer_id"].to_numpy()
    parts = np.array_split(customers, count)
    return pd.Series({name: tile for tile, part in enumerate(parts, 1) for name in part})


def test_scores_and_deciles_are_even_parts_of_the_sorted_customers(sample, purchase_days):
    values = frame(sample, "from marts.fct_customer_value")
    last = purchase_days.groupby("customer_id")["day"].max().rename("last").reset_index()
    buyers = values.merge(last, on="customer_id")
    indexed = values.set_index("customer_id")
    for score, measure in {
        "recency_score": "last",
        "frequency_score": "orders_count",
        "monetary_score": "net_revenue_to_date_amount",
    }.items():
        expected = tiles(buyers, by=[measure, "customer_id"], count=5)
        assert expected.to_dict() == indexed[score].dropna().astype(int).to_dict(), score
    earners = values[values["net_revenue_to_date_amount"] > 0]
    earners = earners.assign(from_the_top=-earners["margin_to_date_amount"])
    expected = tiles(earners, by=["from_the_top", "customer_id"], count=10)
    assert expected.to_dict() == indexed["value_decile"].dropna().astype(int).to_dict()


def test_the_next_purchase_is_a_median_gap_after_the_last(sample, purchase_days):
    active = set(
        frame(
            sample,
            "select customer_id from marts.fct_activity_spells "
            "where relationship = 'orders' and is_active",
        )["customer_id"]
    )
    expected = {}
    for customer, days in purchase_days.groupby("customer_id")["day"]:
        if customer in active and len(days) > 2:
            gap = days.diff().dt.days.median()
            expected[customer] = days.iloc[-1] + pd.Timedelta(days=int(np.ceil(gap)))
    found = frame(sample, "from marts.fct_customer_value").set_index("customer_id")
    found = found["next_purchase_on"].dropna().to_dict()
    assert expected
    assert found == expected
    assert any(day < pd.Timestamp(AS_OF) for day in found.values()), "none is overdue"


@pytest.mark.parametrize("measure", ["net_revenue", "margin"])
def test_gini_is_the_mean_difference_and_the_top_fifth_a_point_of_the_lorenz_curve(sample, measure):
    values = frame(
        sample,
        f"select {measure}_to_date_amount as amount from marts.fct_customer_value "
        "where net_revenue_to_date_amount > 0 order by amount",
    )["amount"].to_numpy()
    count = len(values)
    gini = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    lorenz = np.concatenate([[0], values.cumsum()]) / values.sum()
    top = 1 - np.interp(0.8, np.arange(count + 1) / count, lorenz)
    rows = frame(
        sample,
        "select gini, top_20_percent_share from marts.rpt_value_concentration "
        f"where value_measure = '{measure}'",
    )
    assert rows["gini"].to_numpy() == pytest.approx(gini)
    assert rows["top_20_percent_share"].to_numpy() == pytest.approx(top)


def sliced(customers: pd.DataFrame, names: Sequence[str] = SEGMENTS) -> pd.DataFrame:
    """Repeat each row for everybody and for each of its segments."""
    parts = [customers.assign(segment_name="all", segment_value="all")]
    for name in names:
        parts.append(customers.assign(segment_name=name, segment_value=customers[name]))
    return pd.concat(parts)


def test_who_bought_again_is_counted_customer_by_customer(sample, purchase_days):
    year_before = pd.Timestamp(AS_OF) - pd.DateOffset(years=1)

    def judged(days: pd.Series) -> pd.Series:
        first, rest = days.iloc[0], days.iloc[1:]
        is_observed = first <= year_before
        is_repeated = (rest <= first + pd.DateOffset(years=1)).any()
        return pd.Series(
            {
                "buyers": 1,
                "repeat_buyers": int(len(rest) > 0),
                "observed_12m_buyers": int(is_observed),
                "repeat_12m_buyers": int(is_observed and is_repeated),
            }
        )

    counts = purchase_days.groupby("customer_id")["day"].apply(judged).unstack().reset_index()
    customers = frame(sample, f"select customer_id, {', '.join(SLICES)} from marts.dim_customers")
    keys = ["segment_name", "segment_value"]
    expected = (
        sliced(counts.merge(customers, on="customer_id"), SLICES)
        .groupby(keys)[["buyers", "repeat_buyers", "observed_12m_buyers", "repeat_12m_buyers"]]
        .sum()
        .reset_index()
    )
    assert_same(expected, frame(sample, "from marts.rpt_repeat_purchases"), keys=keys)


def test_the_marketing_mix_is_the_spend_and_the_cohorts_of_each_channel(sample):
    spend = frame(
        sample,
        "select spend_date, lower(trim(s.channel)) as channel, amount, leads_count, "
        "coalesce(s.objective, c.objective) as objective from staging.stg_marketing_spend as s "
        "left join staging.stg_campaigns as c using (campaign_id)",
    )
    assert spend["objective"].notna().all(), "of the sample each spend says what it is for"
    spend["month_start_date"] = spend["spend_date"].dt.to_period("M").dt.to_timestamp()
    is_acquisition = spend["objective"].isin(["awareness", "conversion"])
    spend["acquisition_spend_amount"] = spend["amount"].where(is_acquisition, 0)
    spend["retention_spend_amount"] = spend["amount"].where(spend["objective"] == "retention", 0)
    keys = ["month_start_date", "channel"]
    sums = ["acquisition_spend_amount", "retention_spend_amount"]
    expected = spend.groupby(keys)[sums].sum()
    expected["leads"] = spend.groupby(keys)["leads_count"].sum(min_count=1)
    cohorts = frame(
        sample,
        "select cohort_month as month_start_date, lower(trim(acquisition_channel)) as channel, "
        "count(*) as new_customers from marts.dim_customers where cohort_month is not null "
        "group by all",
    ).set_index(keys)
    expected = expected.join(cohorts, how="outer")
    expected[[*sums, "new_customers"]] = expected[[*sums, "new_customers"]].fillna(0)
    mix = frame(sample, "from marts.rpt_marketing_mix").set_index(keys)
    # the other rows are of months in which a channel only kept customers
    assert not mix.drop(expected.index)[[*sums, "new_customers"]].any(axis=None)
    mix = mix.reindex(expected.index)
    assert_same(expected.reset_index(), mix.reset_index(), keys=keys)
    cac = expected["acquisition_spend_amount"] / expected["new_customers"]
    cac = cac.where((expected["acquisition_spend_amount"] > 0) & (expected["new_customers"] > 0))
    assert cac.notna().any() and cac.isna().any()
    assert (mix["media_cac_amount"].isna() == cac.isna()).all()
    assert (mix["media_cac_amount"] - cac).abs().max() <= 0.005 + 1e-9
    # the sales team has no customers, and every customer of a month carries as much of its spend
    months = expected.reset_index().pivot_table(
        index="month_start_date", columns="channel", values=["acquisition_spend_amount"]
    )
    team = months[("acquisition_spend_amount", "sales")].fillna(0)
    won = expected["new_customers"].groupby("month_start_date").sum()
    assert (won > 0).all() and (team > 0).any()
    assert "sales" not in cohorts.index.get_level_values("channel")
    per_customer = (team / won).reindex(expected.index.get_level_values("month_start_date"))
    full = expected["acquisition_spend_amount"] / expected["new_customers"] + per_customer.values
    full = full.where(expected["new_customers"] > 0)
    assert (mix["cac_amount"].isna() == full.isna()).all()
    # the cents of a month are whole
    assert (mix["cac_amount"] - full).abs().max() <= 0.015 + 1e-9


def test_winning_a_customer_costs_all_that_was_spent_on_it(sample):
    """Each customer carries the spend of the window on the own channel, and of the sales team."""
    mix = frame(sample, "from marts.rpt_marketing_mix")
    customers = frame(
        sample,
        "select customer_id, cohort_month as month_start_date, "
        f"lower(trim(acquisition_channel)) as channel, {', '.join(SEGMENTS)} "
        "from marts.dim_customers where cohort_month is not null",
    )
    formulas = frame(sample, "from marts.rpt_formula_ltv where relationship = 'any'")
    for grain, rows in formulas.groupby("period_grain"):
        window = (rows["window_start_date"].iloc[0], rows["window_end_date"].iloc[0])
        months = mix[mix["month_start_date"].between(*window)]
        spend = months.groupby("channel")["acquisition_spend_amount"].sum()
        won = customers[customers["month_start_date"].between(*window)]
        by_month = months.groupby("month_start_date")
        team = months[months["channel"] == "sales"].groupby("month_start_date")
        shared = team["acquisition_spend_amount"].sum() / by_month["new_customers"].sum()
        # the window of a channel is one sum, so its customers carry the same
        received = won.assign(value=won["month_start_date"].map(shared).fillna(0))
        received = received.groupby("channel")["value"].sum()
        heads = won["channel"].value_counts()
        cost = (spend.reindex(heads.index).fillna(0) + received) / heads
        expected = sliced(won.assign(value=won["channel"].map(cost))).groupby(
            ["segment_name", "segment_value"]
        )["value"]
        found = rows.set_index(["segment_name", "segment_value"])["cac_amount"]
        full = expected.mean()
        # a channel without customers in the window has spent all the same
        full[("all", "all")] = spend.sum() / len(won)
        assert (found.dropna() - full).abs().max() <= 0.02, grain
        assert set(found.dropna().index) == set(full.index), grain


def test_the_formula_is_margin_by_customer_over_losses_by_customer(sample):
    # from orders and days: who is active is read off the spells, margin off the orders' entries
    spells = frame(
        sample,
        "select s.customer_id, started_on, coalesce(ended_on, date '2100-01-01') as ended_on, "
        f"{', '.join(SEGMENTS)} from marts.fct_activity_spells as s "
        "inner join marts.dim_customers using (customer_id) where relationship = 'orders'",
    )
    # money that moved before a first spell is earned with it
    entries = frame(
        sample,
        "select greatest(revenue_date, spells.started_on) as earned_on, entries.margin_amount, "
        "abs(revenue_amount) as absolute_revenue_amount, cost_amount is null as is_estimated, "
        f"{', '.join(SEGMENTS)} from intermediate.int_revenue_entries as entries "
        "inner join staging.stg_orders using (order_id) "
        "inner join marts.dim_customers on entries.customer_id = dim_customers.customer_id "
        "inner join marts.fct_activity_spells as spells "
        "on entries.customer_id = spells.customer_id "
        "where spells.relationship = 'orders' and spell_number = 1",
    )
    periods = frame(sample, "from marts.dim_periods where is_complete_period and has_rates")
    one_day = pd.Timedelta(days=1)
    keys = ["period_grain", "segment_name", "segment_value"]
    rows = []
    for grain, count in WINDOWS.items():
        window = periods[periods["period_grain"] == grain].nlargest(count, "period_start_date")
        for start, end in zip(window["period_start_date"], window["closes_on"], strict=True):
            day_before = start - one_day
            at_opening = spells[
                (spells["started_on"] <= day_before) & (spells["ended_on"] > day_before)
            ]
            at_closing = spells[(spells["started_on"] <= end) & (spells["ended_on"] > end)]
            active = spells[(spells["started_on"] <= end) & (spells["ended_on"] > day_before)]
            is_lost = ~at_opening["customer_id"].isin(at_closing["customer_id"])
            earned = entries[entries["earned_on"].between(start, end)]
            for what, some in {
                "opening_customers": at_opening.assign(value=1),
                "lost_customers": at_opening[is_lost].assign(value=1),
                "active_in_period_customers": active.drop_duplicates("customer_id").assign(value=1),
                "margin_amount": earned.assign(value=earned["margin_amount"]),
                "absolute_revenue_amount": earned.assign(value=earned["absolute_revenue_amount"]),
                "uncosted_revenue_amount": earned.assign(
                    value=earned["absolute_revenue_amount"].where(earned["is_estimated"], 0)
                ),
            }.items():
                rows.append(sliced(some).assign(what=what, period_grain=grain))
    expected = pd.concat(rows).pivot_table(
        index=keys, columns="what", values="value", aggfunc="sum", fill_value=0
    )
    expected.columns.name = None
    expected["churn_rate"] = expected["lost_customers"] / expected["opening_customers"]
    ampu = expected["margin_amount"] / expected["active_in_period_customers"]
    ltv = (ampu / expected["churn_rate"]).where(expected["lost_customers"] > 0)
    found = frame(sample, "from marts.rpt_formula_ltv where relationship = 'orders'")
    found = found.set_index(keys)
    # nobody was there at all: the mart has a row of zeros
    assert (found.drop(expected.index)["ltv_status"] == "no customers").all()
    found = found.loc[expected.index]
    assert_same(expected.round(9).reset_index(), found.round(9).reset_index(), keys=keys)
    assert (found["ltv_amount"] - ltv).abs().max() <= 0.005 + 1e-6
    assert (found["ltv_amount"].isna() == ltv.isna()).all()
    estimated = expected["uncosted_revenue_amount"] / expected["absolute_revenue_amount"]
    assert found["estimated_margin_share"].to_numpy() == pytest.approx(
        estimated.to_numpy(), nan_ok=True
    )
    assert found["estimated_margin_share"].between(0.01, 0.99).any()
    assert {"ok", "too few losses"} <= set(found["ltv_status"])


def test_the_uplift_is_that_of_the_share_who_leave(sample):
    # where 63 % stay in place of 60, 37 % leave in place of 40, and a lifetime is 40 / 37 as long
    rows = frame(sample, "from marts.rpt_retention_uplift where ltv_change is not null")
    raised = np.minimum(rows["annual_retention_rate"] * 1.05, 0.99)
    raised = np.maximum(raised, rows["annual_retention_rate"])
    left, left_then = 1 - rows["annual_retention_rate"], 1 - raised
    assert rows["ltv_change"].to_numpy() == pytest.approx((left / left_then - 1).to_numpy())
    known = rows[rows["profit_change"].notna()]
    gain = known["raised_ltv_amount"] - known["ltv_amount"]
    profit = known["ltv_amount"] - known["cac_amount"]
    assert len(known)
    assert known["profit_change"].to_numpy() == pytest.approx((gain / profit).to_numpy(), abs=1e-3)
