"""What customers say, compared with published numbers and with computations that share no code.

A real airport survey; worked examples of Wilson and Newcombe delivered as raw rows; and random
answers, memberships and contacts counted customer by customer and day by day.
"""

import datetime as dt
import math
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import build_with_dbt, real_data

AIRPORT = "sfo_2017"
Z = 1.96
GRAINS = {"month": "M", "quarter": "Q", "year": "Y"}


def rows(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    """Run a query and return its rows."""
    return warehouse.execute(sql).fetchall()


def adjusted_score(*, answers: pd.Series) -> tuple[float, float]:
    """Return the score of the answers and three imagined ones, and the reach of its interval.

    A promoter is worth 100, a passive 0 and a detractor -100; the score is their mean, and its
    error that of a mean. Of the three, 3/4 promote and 3/4 do not.
    """
    worth = np.select([answers >= 9, answers >= 7], [100.0, 0.0], -100.0)
    worth = np.append(worth, [100, 0, -100])
    weights = np.append(np.ones(len(answers)), [0.75, 1.5, 0.75])
    mean = np.average(worth, weights=weights)
    variance = np.average((worth - mean) ** 2, weights=weights)
    return mean, Z * math.sqrt(variance / weights.sum())


# A real survey


@pytest.fixture(scope="module")
def airport_file() -> Path:
    """Find the survey, or skip the tests that want it."""
    return real_data(AIRPORT) / "survey_responses.parquet"


@pytest.fixture(scope="module")
def airport(
    airport_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the survey reports from the answers of 2,831 passengers whom nobody can name."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("airport"),
        select=["+rpt_nps", "+fct_survey_responses", "+row_reconciliation"],
        RAW_INPUT="files",
        RAW_DATA_DIR=airport_file.parent,
    ) as warehouse:
        yield warehouse


def test_the_airport_has_the_score_that_its_answers_give(airport):
    # (1436 - 342) / (1436 + 968 + 342) = 39.84 %
    assert rows(
        airport,
        "select responses, promoters, passives, detractors, round(nps, 2), response_rate "
        "from marts.rpt_nps where period_grain = 'year' and segment_name = 'all'",
    ) == [(2746, 1436, 968, 342, 39.84, None)]


def test_85_blanks_of_the_airport_are_kept_and_are_no_answers(airport):
    assert rows(
        airport,
        "select is_anonymous, count(*), count(*) filter (not is_answered), count(nps_category) "
        "from marts.fct_survey_responses group by all",
    ) == [(True, 2831, 85, 2746)]
    assert rows(
        airport,
        "select raw_rows, accepted_rows from marts.row_reconciliation "
        "where table_name = 'survey_responses'",
    ) == [(2831, 2831)]


def test_anonymous_answers_are_unknown_in_each_segment_and_one_by_one(airport):
    assert rows(
        airport,
        "select segment_name, segment_value, responses, answers from marts.rpt_nps "
        "where period_grain = 'year' order by segment_name",
    ) == [
        ("acquisition_channel", "unknown", 2746, 2746),
        ("all", "all", 2746, 2746),
        ("customer_segment", "unknown", 2746, 2746),
        ("discount", "unknown", 2746, 2746),
        ("first_plan", "none", 2746, 2746),
        ("industry", "unknown", 2746, 2746),
        ("region", "unknown", 2746, 2746),
        ("vertical", "unknown", 2746, 2746),
    ]


@pytest.mark.parametrize("grain", GRAINS)
def test_the_intervals_of_the_airport_equal_a_weighted_mean_of_its_answers(
    grain, airport, airport_file
):
    answers = pd.read_parquet(airport_file).dropna(subset="score")
    periods = pd.to_datetime(answers["responded_at"]).dt.to_period(GRAINS[grain])
    expected = {}
    for period, scores in answers.groupby(periods)["score"]:
        centre, reach = adjusted_score(answers=scores)
        plain = 100 * ((scores >= 9).mean() - (scores <= 6).mean())
        expected[period.start_time.date()] = (plain, centre - reach, centre + reach)
    found = rows(
        airport,
        "select period_start_date, nps, ci_low, ci_high from marts.rpt_nps "
        f"where period_grain = '{grain}' and segment_name = 'all'",
    )
    assert {period: numbers for period, *numbers in found} == {
        period: pytest.approx(numbers) for period, numbers in expected.items()
    }


# Worked examples, and a random delivery counted another way

FIRST_DAY = dt.date(2023, 1, 1)
AS_OF = dt.date(2024, 6, 20)
# Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10:
# churned and all after bad contacts, churned and all after good ones -> the interval
NEWCOMBE = {
    "a": ((56, 70, 48, 80), (0.0524, 0.3339)),
    "b": ((9, 10, 3, 10), (0.1705, 0.8090)),
    "c": ((6, 7, 2, 7), (0.0582, 0.8062)),
    "d": ((5, 56, 0, 29), (-0.0381, 0.1926)),
    "e": ((0, 10, 0, 20), (-0.1611, 0.2775)),
    "f": ((0, 10, 0, 10), (-0.2775, 0.2775)),
    "g": ((10, 10, 0, 20), (0.6791, 1.0000)),
    "h": ((10, 10, 0, 10), (0.6075, 1.0000)),
}
EVENT_TYPES = ("site_visit", "portal_login", "email_sent", "email_opened", "loyalty_earned")


def newcombe_delivery() -> tuple[list[dict], list[dict]]:
    """Return orders and contacts in which as many churn as in the paper, each on its channel."""
    orders, contacts = [], []
    for channel, ((churned_bad, bad, churned_good, good), _) in NEWCOMBE.items():
        for number in range(bad + good):
            customer = f"{channel}{number}"
            stays = number >= churned_bad if number < bad else number - bad >= churned_good
            # a window is 60 days: who buys once is gone by March 2, who buys on stays past April
            days = [dt.date(2023, 1, 1)]
            days += [dt.date(2023, 2, 20), dt.date(2023, 4, 10)] if stays else []
            orders += [{"customer_id": customer, "ordered_at": day, "amount": 5} for day in days]
            contacts.append(
                {
                    "customer_id": customer,
                    "occurred_at": dt.date(2023, 1, 10),
                    "event_type": "support_contact",
                    "channel": channel,
                    "is_resolved": number >= bad,
                }
            )
    return orders, contacts


def random_delivery() -> dict[str, pd.DataFrame]:
    """Return 150 customers who buy, click, join, leave and answer on random days."""
    dice = random.Random(7)

    def some_day() -> dt.date:
        return FIRST_DAY + dt.timedelta(days=dice.randrange((AS_OF - FIRST_DAY).days + 1))

    customers = [f"r{number}" for number in range(150)]
    orders, contacts = newcombe_delivery()
    for _ in range(250):
        orders.append(
            {"customer_id": dice.choice(customers), "ordered_at": some_day(), "amount": 5}
        )
    events = [
        {
            "customer_id": dice.choice(customers),
            "occurred_at": some_day(),
            "event_type": dice.choice(EVENT_TYPES),
        }
        for _ in range(400)
    ]
    stays = []
    for customer in dice.choices(customers, k=120):
        joined = some_day()
        left = joined + dt.timedelta(days=dice.randrange(0, 300)) if dice.random() < 0.6 else None
        # two programmes, so that stays overlap
        programme = dice.choice(["club", "plus"])
        stays.append((customer, programme, joined, left))
    answers = []
    for number in range(600):
        invited = some_day() if dice.random() < 0.9 else None
        answered = dice.random() < 0.6 or invited is None
        day = min(AS_OF, (invited or some_day()) + dt.timedelta(days=dice.randrange(0, 40)))
        survey = dice.choice(["nps", "csat"])
        scale = (0, 10) if survey == "nps" else (1, 5)
        answers.append(
            {
                "response_id": f"s{number:03}",
                "customer_id": None if dice.random() < 0.2 else dice.choice(customers[:60]),
                "survey_type": survey,
                "invited_at": invited,
                "responded_at": day if answered else None,
                "score": dice.randint(*scale) if answered and dice.random() < 0.95 else None,
                "touchpoint": ("shop", "delivery", None)[number % 3],
            }
        )
    # a reminder follows a few days after, as a row of its own; `guest` stands for nobody
    for answer in [row for row in answers if row["invited_at"]][::4]:
        number = len(answers)
        answers.append(
            answer
            | {
                "response_id": f"s{number}",
                "invited_at": min(AS_OF, answer["invited_at"] + dt.timedelta(days=4)),
                **{"responded_at": None, "score": None},
                "customer_id": answer["customer_id"] or "guest",
            }
        )
    # the published example of Wilson, in a month of its own
    for number in range(1200):
        answers.append(
            {
                "response_id": f"w{number}",
                "survey_type": "csat",
                "touchpoint": "wilson",
                "responded_at": dt.date(2022, 6, 1),
                "score": 4 if number < 960 else 3,
            }
        )
    frames = {
        "orders": pd.DataFrame(orders),
        "engagement_events": pd.DataFrame(events + contacts),
        "loyalty_memberships": pd.DataFrame(
            stays, columns=["customer_id", "programme", "joined_at", "left_at"]
        ).drop_duplicates(["customer_id", "programme", "joined_at"]),
        "survey_responses": pd.DataFrame(answers),
        # some customers are in no such table, and some have an empty field
        "customers": pd.DataFrame(
            {
                "customer_id": who,
                "vertical": ("toys", "books", None)[number % 3],
                "is_discount_acquired": (True, False, None)[number % 3],
                "Sales Team": ("north", "o'south", None)[number % 3],
            }
            for number, who in enumerate(customers[:100])
        ),
    }
    frames["survey_responses"]["score"] = frames["survey_responses"]["score"].astype("Int64")
    for table, key in (("orders", "order_id"), ("engagement_events", "event_id")):
        frames[table][key] = [f"{table}{number}" for number in range(len(frames[table]))]
    return frames


@pytest.fixture(scope="module")
def delivered() -> dict[str, pd.DataFrame]:
    """Return the delivery."""
    return random_delivery()


@pytest.fixture(scope="module")
def marts(
    delivered: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the reports from the delivery."""
    folder = tmp_path_factory.mktemp("surveys")
    (folder / "raw").mkdir()
    for table, frame in delivered.items():
        frame.to_csv(folder / "raw" / f"{table}.csv", index=False)
    with build_with_dbt(
        folder=folder,
        select=[
            *("+rpt_nps", "+rpt_csat", "+rpt_ces", "+rpt_loyalty_programme"),
            *("+rpt_service_contacts", "+dim_periods", "+rpt_raw_profile"),
        ],
        # the other one was not delivered
        dbt_vars={"custom_segment_1": "sales team", "custom_segment_2": "tier"},
        RAW_INPUT="files",
        RAW_DATA_DIR=folder / "raw",
        AS_OF_DATE=AS_OF,
    ) as warehouse:
        yield warehouse


def test_the_interval_of_a_difference_is_the_printed_one(marts):
    found = rows(
        marts,
        "select channel, churned_after_bad_customers, after_bad_customers, "
        "churned_after_good_customers, after_good_customers, ci_low, ci_high "
        "from marts.rpt_service_contacts where period_grain = 'month' order by channel",
    )
    assert [(channel, tuple(counts)) for channel, *counts, _, _ in found] == [
        (channel, counts) for channel, (counts, _) in NEWCOMBE.items()
    ]
    for channel, *_, low, high in found:
        # four digits, and the paper's z has more digits than 1.96
        assert (low, high) == pytest.approx(NEWCOMBE[channel][1], abs=6e-5), channel


def test_960_satisfied_of_1200_are_between_77_64_and_82_17_percent(marts):
    assert rows(
        marts,
        "select responses, satisfied_responses, csat, round(100 * ci_low, 2), "
        "round(100 * ci_high, 2), invitations, response_rate from marts.rpt_csat "
        "where period_grain = 'year' and segment_name = 'all' and period_start_date < '2023-01-01'",
    ) == [(1200, 960, 0.8, 77.64, 82.17, 0, None)]


def test_each_bound_of_wilson_is_a_share_from_which_the_one_found_is_1_96_errors_away(marts):
    # what the interval means, and not how it is worked out
    found = rows(
        marts, "select responses, csat, ci_low, ci_high from marts.rpt_csat where csat is not null"
    )
    assert len(found) > 100
    for responses, share, low, high in found:
        assert low <= share <= high
        for bound in (low, high):
            error = math.sqrt(bound * (1 - bound) / responses)
            assert abs(share - bound) == pytest.approx(Z * error, abs=1e-9)


def periods_of(days: pd.Series, grain: str) -> pd.Series:
    """Return the first day of each day's period."""
    return pd.to_datetime(days).dt.to_period(GRAINS[grain]).dt.start_time.dt.date


@pytest.mark.parametrize("grain", GRAINS)
def test_scores_and_response_rates_equal_a_count_customer_by_customer(grain, marts, delivered):
    asked = delivered["survey_responses"].query("survey_type == 'nps'")
    answers = asked[asked["score"].notna()]
    latest: dict[tuple, tuple] = {}
    for answer, period in zip(
        answers.itertuples(), periods_of(answers["responded_at"], grain), strict=True
    ):
        who = answer.response_id if pd.isna(answer.customer_id) else answer.customer_id
        key = (period, pd.isna(answer.customer_id), who)
        given = (answer.responded_at, answer.response_id, answer.score)
        latest[key] = max(latest.get(key, given), given)
    expected: dict[dt.date, dict[str, float]] = {}
    for period in {period for period, *_ in latest}:
        scores = pd.Series([int(given[2]) for key, given in latest.items() if key[0] == period])
        centre, reach = adjusted_score(answers=scores)
        expected[period] = {
            "responses": len(scores),
            "promoters": (scores >= 9).sum(),
            "detractors": (scores <= 6).sum(),
            "ci_low": max(-100, centre - reach),
            "ci_high": min(100, centre + reach),
        }
    invited = asked[asked["invited_at"].notna()]
    for period, group in invited.groupby(periods_of(invited["invited_at"], grain)):
        expected.setdefault(period, {})["response_rate"] = group["score"].notna().mean()
    found = marts.execute(
        f"select * from marts.rpt_nps where period_grain = '{grain}' and segment_name = 'all'"
    ).df()
    assert {day.date() for day in found["period_start_date"]} == expected.keys()
    for row in found.to_dict("records"):
        numbers = expected[row["period_start_date"].date()]
        assert {name: row[name] for name in numbers} == pytest.approx(numbers)


def known(answers: pd.DataFrame) -> pd.Series:
    """Tell which rows have a customer; `guest` stands for nobody."""
    return answers["customer_id"].notna() & (answers["customer_id"] != "guest")


@pytest.mark.parametrize("survey", ["nps", "csat"])
@pytest.mark.parametrize("grain", [*GRAINS, "trailing_12_months"])
def test_customers_asked_equal_a_count_of_people(survey, grain, marts, delivered):
    asked = delivered["survey_responses"].query("survey_type == @survey and invited_at.notna()")
    asked = asked.assign(
        who=asked["customer_id"].where(known(asked), asked["response_id"]),
        touchpoint=asked["touchpoint"].fillna("unknown"),
        day=pd.to_datetime(asked["invited_at"]),
    )
    assert asked["who"].nunique() < len(asked)
    found = rows(
        marts,
        "select segment_value, report.period_start_date, report.closes_on, report.invitations, "
        f"asked_customers from marts.rpt_{survey} as report where period_grain = '{grain}' "
        "and segment_name in ('all', 'touchpoint') and invitations > 0",
    )
    slices = {slice_ for slice_, *_ in found}
    assert slices == ({"all"} if survey == "nps" else {"all", "shop", "delivery", "unknown"})
    for slice_, starts, closes, invitations, people in found:
        of_period = asked[asked["day"].between(str(starts), str(closes))]
        if slice_ != "all":
            of_period = of_period[of_period["touchpoint"] == slice_]
        assert (invitations, people) == (len(of_period), of_period["who"].nunique())
    # and no period is missing
    if grain in GRAINS:
        periods = asked["day"].dt.to_period(GRAINS[grain]).nunique()
        assert len([1 for slice_, *_ in found if slice_ == "all"]) == periods


def test_satisfaction_by_a_column_of_ones_own_equals_a_count(marts, delivered):
    answers = delivered["survey_responses"].query("survey_type == 'csat' and score.notna()")
    customers = delivered["customers"].set_index("customer_id")
    attributes = {
        "sales team": customers["Sales Team"],
        "tier": pd.Series(dtype=object),
        "vertical": customers["vertical"],
        "discount": customers["is_discount_acquired"].map({True: "discount", False: "full price"}),
    }
    for name, values in attributes.items():
        of_answer = answers["customer_id"].map(values).fillna("unknown")
        expected = answers.groupby([of_answer, pd.to_datetime(answers["responded_at"]).dt.year])
        found = rows(
            marts,
            "select segment_value, year(period_start_date), responses, satisfied_responses, "
            "responses < 10 as few, is_small from marts.rpt_csat where period_grain = 'year' "
            f"and segment_name = '{name}' and responses > 0 order by 1, 2",
        )
        assert [row[:4] for row in found] == [
            (value, year, len(group), (group["score"] >= 4).sum())
            for (value, year), group in expected
        ]
        assert all(few == small for *_, few, small in found)


def test_a_column_of_ones_own_describes_its_customers_and_is_counted_as_filled(marts, delivered):
    described = rows(
        marts,
        "select customer_id, custom_segment_1, custom_segment_2 from marts.dim_customers "
        "where custom_segment_1 <> 'unknown' order by 1",
    )
    filled = delivered["customers"].dropna(subset="Sales Team")
    assert described == sorted(
        (who, team, "unknown")
        for who, team in zip(filled["customer_id"], filled["Sales Team"], strict=True)
    )
    profile = rows(
        marts,
        "select column_name, raw_rows from marts.rpt_raw_profile where table_name = 'customers' "
        "and category = 'any' and column_name like 'custom_segm%' order by 1",
    )
    assert profile == [("custom_segment_1", len(filled)), ("custom_segment_2", 0)]


@pytest.mark.parametrize("grain", GRAINS)
def test_members_equal_a_count_on_each_closing_day(grain, marts, delivered):
    orders, events = delivered["orders"], delivered["engagement_events"]
    own = events[events["event_type"].isin(["site_visit", "portal_login"])]
    days = [*zip(orders["customer_id"], orders["ordered_at"], strict=True)]
    days += [*zip(own["customer_id"], own["occurred_at"], strict=True)]
    stays = delivered["loyalty_memberships"]

    def members_on(day: dt.date) -> set[str]:
        return {
            stay.customer_id
            for stay in stays.itertuples()
            if stay.joined_at <= day and (pd.isna(stay.left_at) or stay.left_at > day)
        }

    found = rows(
        marts,
        "select report.period_start_date, report.closes_on, members, active_members, "
        "passive_members, report.is_complete_period "
        "from marts.rpt_loyalty_programme as report inner join marts.dim_periods as periods "
        "using (period_grain, period_start_date) "
        f"where period_grain = '{grain}' and segment_name = 'all' order by 1",
    )
    assert found[-1][1] == AS_OF
    assert not found[-1][-1]
    for _, closes_on, members, active, passive, _ in found:
        there = members_on(closes_on)
        recent = {who for who, day in days if 0 <= (closes_on - day).days < 90}
        assert (members, active, passive) == (len(there), len(there & recent), len(there - recent))
    assert any(active < members for _, _, members, active, *_ in found)


def test_every_member_without_activity_is_passive(marts, delivered):
    active = {*delivered["orders"]["customer_id"]}
    events = delivered["engagement_events"]
    active |= {*events[events["event_type"].isin(["site_visit", "portal_login"])]["customer_id"]}
    idle = {*delivered["loyalty_memberships"]["customer_id"]} - active
    assert idle  # some were only written to, and none of them is loyal
    ((passive,),) = rows(
        marts,
        "select passive_members from marts.rpt_loyalty_programme "
        "where period_grain = 'year' and segment_name = 'all' order by period_start_date desc "
        "limit 1",
    )
    stays = delivered["loyalty_memberships"]
    members = {s.customer_id for s in stays.itertuples() if pd.isna(s.left_at) or s.left_at > AS_OF}
    assert passive >= len(idle & members) > 0
