"""What campaigns did and what they brought about, computed once more with numpy, pandas and scipy.

A delivery with 200 campaigns of which half have an effect that was planted: their intervals must
cover the truth as often as they say. And the campaigns of the sample, touch by touch.
"""

import calendar
import datetime as dt
import math
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from jinja_macros import Macros
from lifecycle import build_with_dbt, refresh_delivery
from scipy import stats

Z = 1.96
CAMPAIGNS = 200
TARGETED, HELD_OUT = 300, 200
WINDOW = 60
SALE_DAYS, FOLLOW_DAYS = 14, 90
AS_OF = dt.date(2025, 1, 31)
SHARES = ("conversion", "retention_90d")
# the true difference of a campaign that works; of the others it is 0
LIFTS = {
    "conversion": 0.1,
    "revenue": 5.0,
    "margin": 2.0,
    "retention_90d": 0.1,
    "service_contacts": -0.15,
}


def wilson(part: float, whole: int) -> tuple[float, float]:
    """Return the bounds of Wilson's interval."""
    centre = (part + Z**2 / 2) / (whole + Z**2)
    reach = Z * math.sqrt(part * (whole - part) / whole + Z**2 / 4) / (whole + Z**2)
    return centre - reach, centre + reach


def newcombe(one: pd.Series, other: pd.Series) -> tuple[float, float]:
    """Return the bounds of Newcombe's interval of the difference of two shares."""
    (low, high), (other_low, other_high) = (wilson(each.sum(), len(each)) for each in (one, other))
    share, other_share = one.mean(), other.mean()
    return (
        share - other_share - math.hypot(share - low, other_high - other_share),
        share - other_share + math.hypot(high - share, other_share - other_low),
    )


def welch(one: pd.Series, other: pd.Series) -> tuple[float, float]:
    """Return the bounds of Welch's interval of the difference of two means."""
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    return interval.low, interval.high


# Student's t


@pytest.mark.parametrize("degrees", [9, 9.5, 11, 17.3, 30, 120, 5000])
def test_the_quantile_of_students_t_is_that_of_scipy(degrees):
    connection = duckdb.connect()
    macros = Macros(connection=connection)
    sql = macros.student_t_95(f"cast({degrees} as double)")
    (found,) = connection.sql(f"select {sql}").fetchone()
    assert found == pytest.approx(stats.t.ppf(0.975, degrees), abs=2e-5)


# Planted campaigns


def planted() -> dict[str, pd.DataFrame]:
    """Make the customers of the campaigns, each in one of them, with all that they do.

    Engaged customers, half of either group, buy, stay and call more of their own accord, and of
    those targeted a campaign reaches only them; so those touched are not to be compared with
    those held out.
    """
    draw = np.random.default_rng(20)
    sizes = TARGETED + HELD_OUT
    people = pd.DataFrame({"campaign": np.repeat(np.arange(CAMPAIGNS), sizes)})
    people["customer_id"] = "c" + people.index.astype(str)
    people["is_control"] = np.tile(np.arange(sizes) >= TARGETED, CAMPAIGNS)
    people["works"] = people["campaign"] % 2 == 0
    people["assigned"] = 19723 + 40 * (people["campaign"] % 6) + draw.integers(0, 40, len(people))
    # the last twentieth of a tenth of the campaigns are assigned too late to say anything
    late = (people["campaign"] % 10 == 0) & (draw.random(len(people)) < 0.05)
    people.loc[late, "assigned"] = (AS_OF - dt.date(1970, 1, 1)).days - draw.integers(
        0, SALE_DAYS - 1, late.sum()
    )
    engaged = draw.random(len(people)) < 0.5
    helped = people["works"] & ~people["is_control"]

    buys = draw.random(len(people)) < 0.1 + 0.2 * engaged + 0.2 * (engaged & helped)
    stays = draw.random(len(people)) < 0.4 + 0.2 * engaged + 0.1 * helped
    was_active = draw.random(len(people)) < 0.7
    was_there = draw.random(len(people)) < 0.4
    days = {  # first and last day of a purchase, from the assignment
        (0, SALE_DAYS - 1): buys,
        (40, 80): stays & was_active,
        (-45, -1): was_active,
        (-140, -100): was_there,
    }
    orders = pd.concat(
        people.loc[chosen, ["customer_id", "assigned"]].assign(
            day=lambda rows, first=first, last=last: (
                rows["assigned"] + draw.integers(first, last + 1, len(rows))
            )
        )
        for (first, last), chosen in days.items()
    )
    orders["amount"] = draw.gamma(4, 12.5, len(orders)).round(2)
    orders["cost_amount"] = (orders["amount"] * draw.uniform(0.4, 0.8, len(orders))).round(2)

    spans = []
    usual = 0.3 + 0.2 * engaged
    for first, mean in ((0, usual - 0.15 * helped), (-FOLLOW_DAYS, usual)):
        contacted = people.loc[people.index.repeat(draw.poisson(mean))]
        spans.append(
            contacted[["customer_id", "assigned"]].assign(
                day=contacted["assigned"] + first + draw.integers(0, FOLLOW_DAYS, len(contacted)),
                event_type="support_contact",
            )
        )
    touched = people[engaged & (~people["is_control"] | (draw.random(len(people)) < 0.02))]
    spans.append(
        touched.assign(day=touched["assigned"] + 1, event_type="email_sent")[
            ["customer_id", "campaign", "assigned", "day", "event_type"]
        ]
    )
    last_day = (AS_OF - dt.date(1970, 1, 1)).days
    orders = orders[orders["day"] <= last_day]
    events = pd.concat(spans)
    return {
        "people": people,
        "orders": orders.reset_index(drop=True),
        "events": events[events["day"] <= last_day].reset_index(drop=True),
    }


@pytest.fixture(scope="module")
def plan() -> dict[str, pd.DataFrame]:
    """Return what was planted."""
    return planted()


@pytest.fixture(scope="module")
def effects(plan, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Deliver what was planted, build the effects, and return them with their truth."""
    folder = tmp_path_factory.mktemp("planted")
    people, orders, events = (plan[name] for name in ("people", "orders", "events"))
    day = "date '1970-01-01' + {}::integer"
    deliveries = {
        "campaign_members": "select 'm' || campaign as campaign_id, customer_id, is_control, "
        f"{day.format('assigned')} as assigned_at from people",
        "orders": "select 'o' || row_number() over () as order_id, customer_id, "
        f"{day.format('day')} as ordered_at, amount, cost_amount from orders",
        "engagement_events": "select 'e' || row_number() over () as event_id, customer_id, "
        "'m' || campaign::integer as campaign_id, event_type, "
        f"{day.format('day')} as occurred_at from events",
    }
    with duckdb.connect() as connection:
        for name, frame in {"people": people, "orders": orders, "events": events}.items():
            connection.register(name, frame)
        for name, sql in deliveries.items():
            connection.execute(f"copy ({sql}) to '{folder / name}.parquet'")
    with build_with_dbt(
        folder=folder,
        select=["+rpt_campaign_effect"],
        dbt_vars={"default_activity_window_days": WINDOW},
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
        AS_OF_DATE=AS_OF,
    ) as warehouse:
        rows = warehouse.sql("from marts.rpt_campaign_effect").df()
    rows["campaign"] = rows["campaign_id"].str[1:].astype(int)
    rows["truth"] = np.where(rows["campaign"] % 2 == 0, rows["measure"].map(LIFTS), 0)
    return rows


@pytest.mark.long
@pytest.mark.parametrize("measure", LIFTS)
def test_the_interval_covers_the_truth_as_often_as_it_says(effects, measure):
    rows = effects[effects["measure"] == measure]
    assert len(rows) == CAMPAIGNS
    covers = rows["truth"].between(rows["ci_low"], rows["ci_high"])
    assert 180 <= covers.sum() <= 199


@pytest.mark.long
@pytest.mark.parametrize("measure", LIFTS)
def test_a_campaign_that_works_is_mostly_said_to_help_and_another_one_hardly_ever(effects, measure):
    rows = effects[effects["measure"] == measure]
    verdicts = rows.groupby([rows["campaign"] % 2 == 0, "verdict"]).size()
    assert verdicts.get((False, "helps"), 0) + verdicts.get((False, "hurts"), 0) <= 12
    assert verdicts.get((True, "hurts"), 0) <= 1
    # what so many customers would show with a chance of 80 % is about what the mean campaign shows
    power = stats.norm.cdf(abs(LIFTS[measure]) / rows["standard_error"].mean() - Z)
    assert verdicts.get((True, "helps"), 0) / (CAMPAIGNS / 2) == pytest.approx(power, abs=0.15)
    smallest = (Z + stats.norm.ppf(0.8)) * rows["standard_error"]
    found = rows["minimum_detectable_effect"].tolist()
    assert found == pytest.approx(smallest.tolist(), rel=1e-4)


def measured(plan: dict[str, pd.DataFrame], *, later: int) -> pd.DataFrame:
    """Measure everybody in the days from the assignment, or as many before it (later = -1)."""
    people = plan["people"].set_index("customer_id")
    assigned = people["assigned"]

    def within(rows: pd.DataFrame, days: int) -> pd.DataFrame:
        since = rows["day"] - rows["customer_id"].map(assigned)
        return rows[since.between(later * days, (later + 1) * days - 1)]

    def active(on: pd.Series) -> pd.Series:
        orders = plan["orders"]
        since = orders["customer_id"].map(on) - orders["day"]
        return people.index.isin(orders.loc[since.between(0, WINDOW - 1), "customer_id"])

    sold = within(plan["orders"], SALE_DAYS)
    sums = sold.groupby("customer_id")[["amount", "cost_amount"]].sum()
    sums = sums.reindex(people.index, fill_value=0)
    events = plan["events"]
    contacts = within(events[events["event_type"] == "support_contact"], FOLLOW_DAYS)
    first = assigned + later * FOLLOW_DAYS
    stayed = pd.Series(active(first + FOLLOW_DAYS - 1), index=people.index).astype(float)
    last_day = (AS_OF - dt.date(1970, 1, 1)).days
    facts = pd.DataFrame(
        {
            "conversion": people.index.isin(sold["customer_id"]).astype(float),
            "revenue": sums["amount"],
            "margin": sums["amount"] - sums["cost_amount"],
            "retention_90d": stayed.where(active(first - 1)),
            "service_contacts": contacts.groupby("customer_id")
            .size()
            .reindex(people.index, fill_value=0)
            .astype(float),
        }
    )
    for days, names in {
        SALE_DAYS: ["conversion", "revenue", "margin"],
        FOLLOW_DAYS: ["retention_90d", "service_contacts"],
    }.items():
        facts.loc[assigned + days - 1 > last_day, names] = np.nan
    return people[["campaign", "is_control"]].join(facts)


@pytest.mark.long
@pytest.mark.parametrize("measure", LIFTS)
@pytest.mark.parametrize(("later", "suffix"), [(0, ""), (-1, "_before")])
def test_every_effect_is_that_of_pandas_and_scipy(plan, effects, measure, later, suffix):
    found = effects[effects["measure"] == measure].set_index("campaign")
    interval = newcombe if measure in SHARES else welch
    facts = measured(plan, later=later).dropna(subset=measure)
    for campaign, rows in facts.groupby("campaign"):
        targeted = rows.loc[~rows["is_control"], measure]
        held_out = rows.loc[rows["is_control"], measure]
        expected = {
            f"targeted{suffix}_customers": len(targeted),
            f"held_out{suffix}_customers": len(held_out),
            f"targeted{suffix}_value": targeted.mean(),
            f"held_out{suffix}_value": held_out.mean(),
            f"difference{suffix}": targeted.mean() - held_out.mean(),
            **dict(
                zip(
                    (f"ci_low{suffix}", f"ci_high{suffix}"),
                    interval(targeted, held_out),
                    strict=True,
                )
            ),
        }
        assert found.loc[campaign, list(expected)].to_dict() == pytest.approx(expected, abs=1e-6)


@pytest.mark.long
def test_everybody_is_counted_or_pending_and_a_touched_control_stays_one(plan, effects):
    found = effects[effects["measure"] == "service_contacts"].set_index("campaign")
    people, events = plan["people"], plan["events"]
    counted = people["assigned"] + FOLLOW_DAYS - 1 <= (AS_OF - dt.date(1970, 1, 1)).days
    assert not counted.all()
    is_touched = people["customer_id"].isin(
        events.loc[events["event_type"] == "email_sent", "customer_id"]
    )
    expected = {
        "pending_customers": ~counted,
        "targeted_customers": counted & ~people["is_control"],
        "held_out_customers": counted & people["is_control"],
        "touched_held_out_customers": counted & people["is_control"] & is_touched,
    }
    for name, condition in expected.items():
        sums = condition.groupby(people["campaign"]).sum()
        assert sums.sum() > 0
        assert found[name].sort_index().tolist() == sums.tolist()


# The sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the reports of campaigns from the sample, as of a day on which some are young."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("sample"),
        select=["+rpt_campaigns", "+rpt_sale_odds", "+fct_orders", "+fct_mrr_movements"],
        AS_OF_DATE="2025-10-20",
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


class Sample:
    """The accepted rows of the sample, read once, and what follows from them day by day."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, /) -> None:
        """Read the rows."""
        (self.as_of,) = warehouse.sql(
            "select as_of_date from intermediate.int_run_settings"
        ).fetchone()
        self.members = {
            (campaign, customer): (day, is_control)
            for campaign, customer, day, is_control in warehouse.execute(
                "select campaign_id, customer_id, event_date, coalesce(is_control, false) "
                "from staging.stg_campaign_members"
            ).fetchall()
        }
        self.events: dict[tuple[str, str], list[tuple[dt.date, str]]] = {}
        for campaign, customer, day, kind in warehouse.execute(
            "select campaign_id, customer_id, event_date, event_type "
            "from staging.stg_engagement_events where campaign_id is not null"
        ).fetchall():
            self.events.setdefault((campaign, customer), []).append((day, kind))
        self.orders = warehouse.sql(
            "select customer_id, order_date, gross_amount - discount_amount as amount, "
            "refunded_on, refunded_amount, is_purchase from marts.fct_orders"
        ).df()
        self.movements = warehouse.sql("from marts.fct_mrr_movements order by moved_on").df()
        self.first_paid = {
            tuple(row)
            for row in warehouse.execute(
                "select customer_id, min(started_on) from intermediate.int_subscription_versions "
                "where is_paying group by customer_id, subscription_id"
            ).fetchall()
        }
        self.sales: dict[str, set[dt.date]] = {}
        for row in self.orders[self.orders["is_purchase"]].itertuples():
            self.sales.setdefault(row.customer_id, set()).add(row.order_date.date())
        for row in self.movements.itertuples():
            day = row.moved_on.date()
            began = row.movement in ("new", "reactivation")
            more = row.movement == "expansion" and (row.customer_id, day) in self.first_paid
            if began or more:
                self.sales.setdefault(row.customer_id, set()).add(day)

    def revenue(self, customer_id: str, first: dt.date, days: int) -> float:
        """Walk through the days and add up what the customer brings."""
        orders = self.orders[self.orders["customer_id"] == customer_id]
        movements = self.movements[self.movements["customer_id"] == customer_id]
        total = 0.0
        for number in range(days):
            day = pd.Timestamp(first + dt.timedelta(days=number))
            if day.date() > self.as_of:
                break
            total += float(orders.loc[orders["order_date"] == day, "amount"].sum())
            total -= float(orders.loc[orders["refunded_on"] == day, "refunded_amount"].sum())
            mrr = float(movements.loc[movements["moved_on"] <= day, "mrr_change_amount"].sum())
            total += mrr / calendar.monthrange(day.year, day.month)[1]
        return total

    def touches(self) -> pd.DataFrame:
        """Work out every campaign and customer."""
        rows = []
        for campaign, customer in self.members.keys() | self.events.keys():
            assigned, is_control = self.members.get((campaign, customer), (None, False))
            events = self.events.get((campaign, customer), [])
            kinds = {kind for _, kind in events}
            touched = min((day for day, _ in events), default=None)
            start = assigned if is_control else touched
            sales = self.sales.get(customer, set())
            targeted = min(day for day in (assigned, touched) if day)
            days = SALE_DAYS if start else 0
            rows.append(
                {
                    "campaign_id": campaign,
                    "customer_id": customer,
                    "targeted_on": targeted,
                    "audience": "customer" if any(s < targeted for s in sales) else "prospect",
                    "is_control": is_control,
                    "is_assigned": assigned is not None,
                    "is_touched": bool(events),
                    "is_sent": bool(
                        kinds & {"email_sent", "email_opened", "email_clicked"}
                        or kinds & {"sales_contact", "support_contact"}
                    ),
                    "is_opened": bool(kinds & {"email_opened", "email_clicked"}),
                    "is_clicked": "email_clicked" in kinds,
                    "is_converted": any(
                        start <= day < start + dt.timedelta(days=SALE_DAYS)
                        for day in sales
                        if start
                    ),
                    "is_window_complete": bool(start)
                    and start + dt.timedelta(days=SALE_DAYS - 1) <= self.as_of,
                    "revenue": self.revenue(customer, start, days) if start else 0.0,
                }
            )
        return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def sample_rows(sample) -> Sample:
    """Read the accepted rows once."""
    return Sample(sample)


@pytest.fixture(scope="module")
def sample_touches(sample_rows) -> pd.DataFrame:
    """Work out the touches once."""
    return sample_rows.touches()


def test_every_touch_of_the_sample_is_what_the_raw_rows_say(sample, sample_touches):
    keys = ["campaign_id", "customer_id"]
    found = sample.sql("from marts.fct_campaign_touches").df().set_index(keys).sort_index()
    expected = sample_touches.set_index(keys).sort_index()
    assert found.index.tolist() == expected.index.tolist()
    assert found["targeted_on"].dt.date.tolist() == expected["targeted_on"].tolist()
    for name in ("audience", *(name for name in expected.columns if name.startswith("is_"))):
        assert found[name].tolist() == expected[name].tolist(), name
    assert found["revenue_amount"].tolist() == pytest.approx(expected["revenue"].tolist(), abs=0.03)
    assert expected[expected["is_control"]]["is_assigned"].any()
    assert not expected[expected["is_touched"]]["is_window_complete"].all()


def test_every_rate_of_the_sample_is_that_of_pandas_and_scipy(sample, sample_touches):
    found = sample.sql("from marts.rpt_campaigns").df().set_index(["campaign_id", "audience"])
    reached = sample_touches[~sample_touches["is_control"]]
    for key, rows in reached.groupby(["campaign_id", "audience"]):
        converted = rows["is_converted"] & rows["is_window_complete"]
        for rate, part, whole in (
            ("open_rate", rows["is_opened"], rows["is_sent"]),
            ("click_rate", rows["is_clicked"], rows["is_sent"]),
            ("click_to_open_rate", rows["is_clicked"], rows["is_opened"]),
            ("conversion_rate", converted, rows["is_window_complete"]),
        ):
            row = found.loc[key]
            if not whole.any():
                assert pd.isna(row[rate])
                continue
            interval = stats.binomtest(int(part.sum()), int(whole.sum())).proportion_ci(
                method="wilson"
            )
            assert row[rate] == pytest.approx(part.sum() / whole.sum())
            assert (row[f"{rate}_ci_low"], row[f"{rate}_ci_high"]) == pytest.approx(
                (interval.low, interval.high), abs=1e-4
            )


def test_the_sale_odds_of_the_sample_count_buyers_one_by_one(sample, sample_rows, sample_touches):
    first = (
        sample_touches[~sample_touches["is_control"]]
        .assign(
            quarter=lambda rows: (
                pd.to_datetime(rows["targeted_on"]).dt.to_period("Q").dt.start_time.dt.date
            )
        )
        .groupby(["quarter", "audience", "customer_id"])["targeted_on"]
        .min()
    )
    expected: dict[tuple, list[int]] = {}
    for (quarter, audience, customer), day in first.items():
        counts = expected.setdefault((quarter, audience), [0, 0, 0])
        counts[0] += 1
        last = day + dt.timedelta(days=29)
        if last <= sample_rows.as_of:
            counts[1] += 1
            counts[2] += any(day <= sold <= last for sold in sample_rows.sales.get(customer, ()))
    found = sample.execute(
        "select quarter_start_date, audience, targeted_customers, decided_customers, "
        "bought_customers from marts.rpt_sale_odds"
    ).fetchall()
    assert {(day, audience): counts for day, audience, *counts in found} == expected
    assert any(targeted > decided for targeted, decided, _ in expected.values())


# Warnings


def test_a_touched_control_and_groups_unlike_before_are_warned_of(tmp_path):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    people = [f"p{number}" for number in range(40)]  # the first twenty are targeted
    rows = {
        "campaign_members": ["campaign_id,customer_id,assigned_at,is_control"]
        + [f"m,{name},2024-05-01,{number >= 20}" for number, name in enumerate(people)],
        "orders": ["order_id,customer_id,ordered_at,amount"]
        + [f"o{name},{name},2024-04-25,10.00" for name in people[:20]],
        "engagement_events": ["event_id,customer_id,occurred_at,event_type,campaign_id"]
        + [f"e{name},{name},2024-05-02,email_sent,m" for name in people[18:23]],
    }
    for table, lines in rows.items():
        (delivery / f"{table}.csv").write_text("\n".join([*lines, ""]))
    result = refresh_delivery(
        tmp_path,
        *("--as-of", "2024-12-31", "--skip-audit"),
        select=["+rpt_campaign_effect"],
    )
    warnings = [line for line in result.output.splitlines() if "Warning: Campaigns" in line]
    assert warnings == [
        "Warning: Campaigns: 3 customer(s) who were held out of a campaign were touched by it, in "
        "1 campaign(s), so that rpt_campaign_effect shows too small an effect. "
        "fct_campaign_touches has them (is_control and is_touched): leave them out of what is "
        "sent.",
        "Warning: Campaigns: in 1 of 1 comparisons, targeted customers and those held out differed "
        "before the campaign already, in 1 campaign(s). Chance alone does that once in twenty "
        "times. Where rpt_campaign_effect says is_different_before, read "
        "difference_in_differences, and hold customers out by lot.",
    ]
