"""Who was won, what customers said and did, and what was done for them: the sample once more.

Customer by customer and day by day with pandas, survival with lifelines, and each end of an
interval as a root of the equation that defines it.
"""

import csv
import math
import random
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import build_with_dbt
from lifelines import KaplanMeierFitter

MARTS = (
    "rpt_acquisition_quality",
    "rpt_interaction",
    "rpt_intent",
    "rpt_programme_effect",
    "rpt_stage_activities",
    "rpt_cohort_retention",
    "dim_customers",
    "fct_activity_spells",
    "fct_lifecycle_stages",
    "fct_orders",
    "fct_subscription_versions",
    "fct_survey_responses",
)
AS_OF = pd.Timestamp("2025-11-15")  # within a month and a quarter
GRAINS = {"month": "M", "quarter": "Q", "year": "Y"}
FIRST_MONTH = pd.Timestamp("2023-01-01")
DAY = pd.Timedelta(days=1)
Z = 1.96
TERMS = {"day": "days", "week": "weeks", "month": "months", "year": "years"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the marts from the sample as it was within a month."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("acquisition"),
        select=[f"+{mart}" for mart in MARTS],
        AS_OF_DATE=AS_OF.date(),
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


def frame(warehouse: duckdb.DuckDBPyConnection, sql: str) -> pd.DataFrame:
    """Run a query; numbers become floating point, dates become times, unknown numbers NaN."""
    rows = warehouse.execute(sql).df()
    return rows.astype({name: float for name in rows.select_dtypes("number").columns})


def wilson(*, part: float, whole: float) -> tuple[float, float, float]:
    """Return the share and the two shares p that lie z of their own errors away from it."""
    if not whole:
        return (math.nan,) * 3
    share = part / whole
    # (share - p)^2 = z^2 p (1 - p) / whole
    square = Z * Z / whole
    low, high = sorted(np.roots([1 + square, -(2 * share + square), share * share]).real)
    return share, low, high


def newcombe(
    one: tuple[float, float, float], other: tuple[float, float, float], /
) -> tuple[float, float, float]:
    """Return the difference of two values and the ends of its interval, from theirs."""
    difference = one[0] - other[0]
    return (
        difference,
        difference - math.hypot(one[0] - one[1], other[2] - other[0]),
        difference + math.hypot(one[2] - one[0], other[0] - other[1]),
    )


def periods_of(days: pd.Series, /) -> dict[str, pd.Series]:
    """Return the first day of each row's period, by grain; all time has one."""
    found = {grain: days.dt.to_period(code).dt.start_time for grain, code in GRAINS.items()}
    return found | {"all_time": pd.Series(FIRST_MONTH, index=days.index)}


# Acquisition


@pytest.fixture(scope="module")
def newcomers(sample: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Follow each customer who was won, from the marts of the core alone."""
    won = frame(
        sample,
        "select customers.*, spells.started_on, spells.ended_on, spells.days_in_spell "
        "from marts.fct_activity_spells as spells join marts.dim_customers as customers "
        "using (customer_id) where relationship = 'any' and spell_number = 1",
    ).set_index("customer_id")
    purchases = frame(
        sample,
        "select distinct customer_id, order_date as day from marts.fct_orders "
        "where is_purchase order by all",
    )
    days = purchases.groupby("customer_id")["day"]
    won["first"] = days.first().reindex(won.index)
    won["second"] = days.apply(lambda all_days: all_days.iloc[1:2].min()).reindex(won.index)
    contracts = frame(
        sample,
        "select * from marts.fct_subscription_versions "
        "where is_paying and (stopped_on is null or stopped_on > started_on)",
    ).sort_values(["started_on", "mrr_amount"], ascending=[True, False])
    first_contracts = contracts.groupby("customer_id").head(1).set_index("customer_id")

    def bound_until(customer: pd.Series) -> pd.Timestamp:
        ends = [customer["started_on"]]
        if customer["first"] == customer["started_on"]:
            ends.append(customer["started_on"] + customer["activity_window_days"] * DAY)
        if customer.name in first_contracts.index:
            contract = first_contracts.loc[customer.name]
            if contract["started_on"] == customer["started_on"]:
                count = int(contract["billing_interval_count"])
                interval = contract["billing_interval"]
                term = {"months": 3 * count} if interval == "quarter" else {TERMS[interval]: count}
                ends.append(contract["started_on"] + pd.DateOffset(**term))
        return max(ends)

    won["bound_until"] = won.apply(bound_until, axis=1)
    won["acquisition_campaign"] = won["acquisition_campaign_id"].fillna("unknown")
    assert (won["is_discount_acquired"] == (won["discount"] == "discount")).all()
    won["all"] = "all"
    return won


def quality(customers: pd.DataFrame, /) -> dict[str, object]:
    """Judge some customers: counts, and each rate with its interval."""
    bought = customers[customers["first"] == customers["started_on"]]
    decided = bought[bought["first"] + 90 * DAY <= AS_OF]
    repeated = decided[decided["second"] <= decided["first"] + 90 * DAY]
    free = customers[customers["bound_until"] + 60 * DAY <= AS_OF]
    lost = free[free["ended_on"] <= free["bound_until"] + 60 * DAY]
    left = customers["ended_on"].notna()
    retained = (math.nan,) * 3
    fitter = KaplanMeierFitter().fit(customers["days_in_spell"], left)
    survival = fitter.predict(365)
    if customers["days_in_spell"].max() >= 365 or survival == 0:
        bounds = fitter.confidence_interval_.loc[:365].iloc[-1]
        inside = 0 < survival < 1
        retained = (survival, *(bounds if inside else (math.nan, math.nan)))
    return {
        "new_customers": len(customers),
        "repeat_decided_customers": len(decided),
        "repeat_customers": len(repeated),
        "churned_12m_customers": (left & (customers["days_in_spell"] <= 365)).sum(),
        "observed_12m_customers": (
            customers["started_on"] + pd.DateOffset(months=12) <= AS_OF + DAY
        ).sum(),
        "early_decided_customers": len(free),
        "early_lost_customers": len(lost),
        "repeat": wilson(part=len(repeated), whole=len(decided)),
        "retained": retained,
        "early_lost": wilson(part=len(lost), whole=len(free)),
    }


SHARES = {"repeat": "repeat_rate", "retained": "retained_12m_rate", "early_lost": "early_lost_rate"}


@pytest.mark.parametrize(
    "segment", ["all", "acquisition_channel", "acquisition_campaign", "discount"]
)
def test_the_quality_of_newcomers_is_that_of_each_of_them(sample, newcomers, segment):
    found = frame(
        sample, f"from marts.rpt_acquisition_quality where segment_name = '{segment}'"
    ).set_index(["period_grain", "period_start_date", "segment_value"])
    seen = 0
    for grain, starts in periods_of(newcomers["started_on"]).items():
        for (start, value), customers in newcomers.groupby([starts, newcomers[segment]]):
            row, expected = found.loc[(grain, start, value)], quality(customers)
            for share, rate in SHARES.items():
                name = rate.removesuffix("_rate")
                numbers = [row[rate], row[f"{name}_ci_low"], row[f"{name}_ci_high"]]
                assert numbers == pytest.approx(expected.pop(share), nan_ok=True, abs=1e-9)
            assert {name: row[name] for name in expected} == expected
            seen += 1
    assert seen == len(found)


def test_discount_is_compared_with_full_price_of_the_same_period(sample, newcomers):
    found = frame(
        sample,
        "from marts.rpt_acquisition_quality where segment_name = 'discount'",
    ).set_index(["period_grain", "period_start_date", "segment_value"])
    compared = 0
    for grain, starts in periods_of(newcomers["started_on"]).items():
        for start, customers in newcomers.groupby(starts):
            sides = dict(list(customers.groupby("discount")))
            if not {"discount", "full price"} <= sides.keys():
                continue
            one, other = quality(sides["discount"]), quality(sides["full price"])
            for share, rate in SHARES.items():
                name = rate.removesuffix("_rate") + "_difference"
                row = found.loc[(grain, start, "discount")]
                numbers = [row[name], row[f"{name}_ci_low"], row[f"{name}_ci_high"]]
                expected = newcombe(one[share], other[share])
                assert numbers == pytest.approx(expected, nan_ok=True, abs=1e-9)
                compared += not math.isnan(row[name])
    assert compared > 20
    rest = found[found.index.get_level_values("segment_value") != "discount"]
    assert rest.filter(like="_difference").isna().all(axis=None)


@pytest.mark.parametrize("segment", ["all", "acquisition_channel"])
def test_a_period_pays_back_when_its_cohorts_together_have_brought_what_they_cost(sample, segment):
    mix = frame(sample, "from marts.rpt_marketing_mix")
    cohorts = frame(
        sample,
        "from marts.rpt_cohort_retention where relationship = 'any' and is_complete_period",
    )
    cohorts["all"] = mix["all"] = "all"
    mix["acquisition_channel"] = mix["channel"]
    spend = mix["acquisition_spend_amount"]
    if segment == "acquisition_channel":
        spend = spend + mix["spread_spend_amount"]
    mix["cost"] = spend
    found = frame(
        sample, f"from marts.rpt_acquisition_quality where segment_name = '{segment}'"
    ).set_index(["period_grain", "period_start_date", "segment_value"])
    of_mix, of_cohorts = (
        periods_of(table[month])
        for table, month in ((mix, "month_start_date"), (cohorts, "cohort_month"))
    )
    paid = 0
    for (grain, start, value), row in found.iterrows():
        months = mix[(of_mix[grain] == start) & (mix[segment] == value)]
        cost = months["cost"].sum() / months["new_customers"].sum()
        assert row["cac_amount"] == pytest.approx(cost, abs=0.0051)
        lives = cohorts[(of_cohorts[grain] == start) & (cohorts[segment] == value)]
        ages = lives.groupby("months_since")[["cumulative_margin_amount", "cohort_customers"]].sum()
        reached = ages["cumulative_margin_amount"] / ages["cohort_customers"] >= row["cac_amount"]
        expected = reached.idxmax() if reached.any() else math.nan
        assert row["payback_months"] == pytest.approx(expected, nan_ok=True)
        paid += reached.any()
    assert paid > 10


# What customers said, and what followed


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build what 200 random customers bought and said: the sample has only a few answers."""
    folder, draw = tmp_path_factory.mktemp("asked"), random.Random(20)
    days = (AS_OF - FIRST_MONTH).days
    with (
        (folder / "orders.csv").open("w", newline="") as orders_file,
        (folder / "survey_responses.csv").open("w", newline="") as answers_file,
    ):
        orders, answers = csv.writer(orders_file), csv.writer(answers_file)
        orders.writerow(["order_id", "customer_id", "ordered_at", "amount"])
        answers.writerow(["response_id", "customer_id", "survey_type", "responded_at", "score"])
        orders.writerow(["first", "customer 0", FIRST_MONTH.date(), "1.00"])
        for customer in range(200):
            first = draw.randrange(days)
            for number in range(draw.choice([1, 2, 4, 8])):
                day = FIRST_MONTH + min(first + draw.randrange(200), days) * DAY
                orders.writerow(
                    [f"{customer}-{number}", f"customer {customer}", day.date(), "1.00"]
                )
            for number in range(draw.choice([0, 1, 3])):
                day = FIRST_MONTH + min(first + draw.randrange(250), days) * DAY
                score = draw.randrange(11)
                answers.writerow(
                    [f"{customer}-{number}", f"customer {customer}", "intent", day.date(), score]
                )
    with build_with_dbt(
        folder=folder,
        select=["+rpt_intent", "+fct_activity_spells", "+fct_survey_responses"],
        AS_OF_DATE=AS_OF.date(),
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


@pytest.mark.parametrize("source", ["sample", "asked"])
def test_stated_intent_is_followed_answer_by_answer(request, source):
    warehouse = request.getfixturevalue(source)
    answers = frame(
        warehouse,
        "select response_id, customer_id, cast(responded_at as date) as day, score "
        "from marts.fct_survey_responses where survey_type = 'intent' and is_answered "
        "and not is_anonymous order by responded_at, response_id",
    )
    spells = frame(warehouse, "from marts.fct_activity_spells where relationship = 'any'")
    found = frame(warehouse, "from marts.rpt_intent").set_index(
        ["period_grain", "period_start_date", "stated_intent"]
    )
    assert len(answers) > 0
    seen = 0
    for grain, starts in periods_of(answers["day"]).items():
        firsts = answers.groupby([starts, "customer_id"], as_index=False).head(1)
        bands = pd.cut(firsts["score"], [-1, 3, 6, 10], labels=["low", "middle", "high"])
        groups = firsts.groupby([starts.loc[firsts.index], bands], observed=True)
        for (start, band), group in groups:
            decided = churned = inactive = pending = 0
            for answer in group.itertuples():
                own = spells[spells["customer_id"] == answer.customer_id]
                here = own[(own["started_on"] <= answer.day) & ~(own["ended_on"] <= answer.day)]
                if here.empty:
                    inactive += 1
                elif answer.day + 90 * DAY > AS_OF:
                    pending += 1
                else:
                    decided += 1
                    churned += here["ended_on"].iloc[0] <= answer.day + 90 * DAY
            row = found.loc[(grain, start, band)]
            assert list(
                row[
                    [
                        "answering_customers",
                        "inactive_customers",
                        "pending_customers",
                        "decided_customers",
                        "churned_customers",
                    ]
                ]
            ) == [len(group), inactive, pending, decided, churned]
            assert list(row[["churned_rate", "ci_low", "ci_high"]]) == pytest.approx(
                wilson(part=churned, whole=decided), nan_ok=True, abs=1e-9
            )
            seen += 1
    assert seen == len(found)
    if source == "asked":
        assert (
            found[["churned_customers", "inactive_customers", "pending_customers"]].max() > 3
        ).all()


# What is done for customers, and by them


@pytest.fixture(scope="module")
def stage_days(sample: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return one row per customer and day, with the stage at its end."""
    stays = frame(sample, "from marts.fct_lifecycle_stages")
    ends = stays["left_on"].fillna(AS_OF + DAY)
    days = stays.assign(
        day=[
            pd.date_range(first, last - DAY)
            for first, last in zip(stays["entered_on"], ends, strict=True)
        ]
    )
    return days.explode("day").assign(
        quarter=lambda rows: pd.to_datetime(rows["day"]).dt.to_period("Q").dt.start_time
    )


def test_activities_by_stage_are_those_of_the_stage_of_each_day(sample, stage_days):
    contacts = frame(
        sample,
        "select customer_id, campaign_id, event_type, event_date as day "
        "from staging.stg_engagement_events "
        "where event_type in ('email_sent', 'sales_contact', 'support_contact')",
    )
    placed = contacts.merge(
        stage_days[["customer_id", "day", "lifecycle_stage", "quarter"]].astype(
            {"day": contacts["day"].dtype}
        ),
        on=["customer_id", "day"],
    )
    assert len(placed) == len(contacts)  # everybody has a stage on each day
    touches = placed[placed["event_type"] != "support_contact"]
    spend = frame(
        sample,
        "select campaign_id, sum(amount * exchange_rate) as spend "
        "from staging.stg_marketing_spend where campaign_id is not null group by 1",
    ).set_index("campaign_id")["spend"]
    per_touch = spend / touches["campaign_id"].value_counts()
    keys = ["quarter", "lifecycle_stage"]
    costs = touches.assign(cost=touches["campaign_id"].map(per_touch)).groupby(keys)["cost"]
    last = stage_days[stage_days["day"] == AS_OF]
    expected = pd.DataFrame(
        {
            "stage_customers": stage_days.groupby(keys)["customer_id"].nunique(),
            "customer_days": stage_days.groupby(keys).size(),
            "touches": touches.groupby(keys).size(),
            "campaigns": touches.groupby(keys)["campaign_id"].nunique(),
            "service_contacts": placed[placed["event_type"] == "support_contact"]
            .groupby(keys)
            .size(),
            "costed_touches": costs.count(),
        }
    )
    found = frame(sample, "from marts.rpt_stage_activities").set_index(
        ["quarter_start_date", "lifecycle_stage"]
    )
    found.index.names = keys
    assert len(found) == 12 * 13  # three years of quarters, every stage
    expected = expected.reindex(found.index).fillna(0)
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)
    assert costs.sum().where(costs.count() > 0).reindex(found.index).to_list() == pytest.approx(
        found["spend_amount"].to_list(), nan_ok=True, abs=0.0051
    )
    neglected = (expected["stage_customers"] > 0) & (expected["touches"] == 0)
    assert (found["is_neglected"] == neglected).all()
    assert neglected.any()
    assert not neglected.all()
    closing = found.xs(pd.Timestamp("2025-10-01"), level="quarter")["closing_customers"]
    assert closing[closing > 0].to_dict() == last.groupby("lifecycle_stage").size().to_dict()


def test_silent_customers_are_those_without_an_engagement_on_an_active_day(sample):
    spells = frame(sample, "from marts.fct_activity_spells where relationship = 'any'")
    engagements = frame(
        sample,
        "select customer_id, event_type, event_date as day from staging.stg_engagement_events "
        "where event_type in ('site_visit', 'portal_login', 'tool_use', 'download', "
        "'form_submitted', 'loyalty_redeemed')",
    )
    found = frame(sample, "from marts.rpt_interaction where segment_name = 'all'").set_index(
        "month_start_date"
    )
    shares = {}
    for month, row in found.sort_index().iterrows():
        following = month + pd.DateOffset(months=1)
        # in a spell on the last day of the month before, or later
        inside = spells[(spells["started_on"] < following) & ~(spells["ended_on"] < month)]
        acting = engagements[(engagements["day"] >= month) & (engagements["day"] < following)]
        joined = acting.merge(inside, on="customer_id")
        joined = joined[
            (joined["started_on"] <= joined["day"]) & ~(joined["ended_on"] <= joined["day"])
        ]
        active, engaged = inside["customer_id"].nunique(), joined["customer_id"].nunique()
        assert list(row[["active_customers", "engaged_customers", "engagements"]]) == [
            active,
            engaged,
            len(joined),
        ]
        assert row["logins"] == (joined["event_type"] == "portal_login").sum()
        is_complete = following <= AS_OF + DAY
        shares[month] = wilson(part=active - engaged, whole=active if is_complete else 0)
        names = ["silent_share", "silent_share_ci_low", "silent_share_ci_high"]
        assert list(row[names]) == pytest.approx(shares[month], nan_ok=True, abs=1e-9)
        before = shares.get(month - pd.DateOffset(months=12), (math.nan,) * 3)
        names = [name.replace("share", "share_difference", 1) for name in names]
        assert list(row[names]) == pytest.approx(
            newcombe(shares[month], before), nan_ok=True, abs=1e-9
        )
    assert found["silent_share_difference"].notna().sum() > 12


# A programme


def test_members_are_weighed_against_customers_like_them(sample):
    compared = frame(sample, "from intermediate.int_programme_customers_compared")
    earned = frame(sample, "from intermediate.int_revenue_entries")
    recurring = frame(
        sample,
        # pandas knows no year 9999
        "select * replace (least(active_to, date '2100-01-01') as active_to) "
        "from intermediate.int_mrr_intervals",
    )
    compared = compared[compared["watched_from"] + 90 * DAY <= AS_OF].reset_index(drop=True)

    def revenue(row: pd.Series) -> float:
        days = pd.date_range(row["watched_from"], periods=90)
        own = earned[
            (earned["customer_id"] == row["customer_id"]) & earned["revenue_date"].isin(days)
        ]
        total = own["revenue_amount"].sum()
        for stretch in recurring[recurring["customer_id"] == row["customer_id"]].itertuples():
            paid = days[(days >= stretch.active_from) & (days < stretch.active_to)]
            total += (stretch.mrr_amount / paid.days_in_month.to_numpy()).sum()
        return total

    compared["revenue"] = compared.apply(revenue, axis=1)
    compared["retention_90d"] = 1 - (
        compared["churned_on"] <= compared["watched_from"] + 90 * DAY
    ).astype(float)
    traits = ["watched_from", "lifecycle_stage", "tenure_band", "revenue_decile"]
    traits += ["acquisition_channel"]
    found = frame(sample, "from marts.rpt_programme_effect").set_index(["programme", "measure"])
    for programme, customers in compared.groupby("programme"):
        members, others, weights = [], [], []
        for _, stratum in customers.groupby(traits):
            inside, outside = stratum[stratum["is_member"]], stratum[~stratum["is_member"]]
            if len(inside) and len(outside):
                members.append(inside)
                others.append(outside)
                weights += [len(inside) / len(outside)] * len(outside)
        member, other, weight = pd.concat(members), pd.concat(others), np.array(weights)
        effective = weight.sum() ** 2 / (weight**2).sum()
        for measure in ("retention_90d", "revenue"):
            row = found.loc[(programme, measure)]
            one = member[measure].mean()
            two = np.average(other[measure], weights=weight)
            if measure == "revenue":
                spread = np.average((other[measure] - two) ** 2, weights=weight)
                error = member[measure].var(ddof=1) / len(member) + spread / (effective - 1)
                reach = Z * math.sqrt(error)
                expected = (one - two, one - two - reach, one - two + reach)
            else:
                expected = newcombe(
                    wilson(part=member[measure].sum(), whole=len(member)),
                    wilson(part=two * effective, whole=effective),
                )
            assert (row["matched_members"], row["comparison_customers"]) == (
                len(member),
                len(other),
            )
            assert row["effective_comparison_size"] == pytest.approx(effective)
            names = ["difference", "difference_ci_low", "difference_ci_high"]
            cents = 0.02 if measure == "revenue" else 1e-9
            # of one customer's worth outside nothing is known of the spread
            assert list(row[names]) == pytest.approx(expected, abs=cents, nan_ok=True)
