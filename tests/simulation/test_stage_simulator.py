"""The simulator of stages itself, on examples that were worked out by hand (models/metrics.md)."""

from datetime import date, datetime
from fractions import Fraction

import pytest
from random_lifecycles import ORDER_COLUMNS
from stage_facts import exit_types, read_orders, windows
from stage_simulator import (
    Answer,
    Contract,
    Facts,
    months_later,
    quiet_days,
    walk,
)
from subscription_simulator import ONE_DAY, Run

FIRST_DAY = date(2023, 1, 1)
AS_OF = date(2024, 12, 31)
RUN = Run(first_day=FIRST_DAY, as_of=AS_OF)


def on(text: str, /) -> date:
    """Read a day."""
    return date.fromisoformat(text)


def days(*texts: str) -> list[date]:
    """Read days."""
    return [on(text) for text in texts]


def pays(amount: int, since: str, until: str = "2025-01-01", /) -> list[int]:
    """Make what recurs on each day, in cents."""
    return [amount if on(since) <= day < on(until) else 0 for day in RUN.days]


def contract(since: str, until: str | None = None, /, **values: object) -> Contract:
    """Make a version of a subscription."""
    values = {"subscription_id": "s", "mrr": 1000, "status": "active"} | values
    return Contract(started_on=on(since), stopped_on=on(until) if until else None, **values)


def answer(responded_at: str, /, **values: object) -> Answer:
    """Make an answer; an exit survey unless there is a score."""
    kind = "nps" if "score" in values else "exit"
    values = {"response_id": "r", "survey_type": kind} | values
    return Answer(responded_at=datetime.fromisoformat(responded_at), **values)


def stays(*, known_since: str = "2023-01-01", **values: object) -> list[tuple[str, str]]:
    """Walk a customer through the days; returns each stage and the day it was entered."""
    facts = Facts(customer_id="c", known_since=on(known_since), **values)
    walked = walk(facts=facts, run=RUN, exit_types=exit_types()).stays
    for before, after in zip(walked, [*walked[1:], None], strict=True):
        assert before.left_on == (after.entered_on if after else None)
    return [(stay.stage, str(stay.entered_on)) for stay in walked]


def stage_on(day: str, /, **values: object) -> str:
    """Return the stage at the end of a day."""
    return [stage for stage, entered_on in stays(**values) if entered_on <= day][-1]


def test_a_prospect_is_aware_captured_and_nurtured_for_90_days_from_the_first_of_three():
    events = [
        (on("2023-02-01"), "site_visit"),
        (on("2023-02-10"), "email_clicked"),  # what the company began is no engagement
        (on("2023-03-01"), "download"),
        (on("2023-04-10"), "form_submitted"),
    ]
    assert stays(known_since="2023-01-15", events=events) == [
        ("aware", "2023-01-15"),
        ("nurtured", "2023-04-10"),
        ("captured", "2023-05-02"),
    ]


@pytest.mark.parametrize(("third", "is_nurtured"), [("2023-05-01", True), ("2023-05-02", False)])
def test_the_first_of_three_engagements_is_90_days_old_or_not(third, is_nurtured):
    events = [(day, "tool_use") for day in days("2023-02-01", "2023-03-01", third)]
    stage = "nurtured" if is_nurtured else "aware"
    assert stage_on(third, events=events) == stage


def test_an_email_captures_from_its_day():
    assert stays(email_since=on("2023-03-01")) == [
        ("aware", "2023-01-01"),
        ("captured", "2023-03-01"),
    ]


def test_one_purchase_is_new_then_at_risk_after_half_the_window_then_over():
    assert stays(purchases=days("2023-02-01")) == [
        ("aware", "2023-01-01"),
        ("new", "2023-02-01"),
        ("at_risk", "2023-03-03"),  # 30 of 60 days later
        ("churned_unknown", "2023-04-02"),
    ]


def test_who_comes_back_is_won_back_for_90_days():
    assert stays(purchases=days("2023-01-01", "2023-09-01"), window_days=365) == [
        ("new", "2023-01-01"),
        ("established", "2023-04-01"),
        ("at_risk", "2023-07-03"),  # half of 365 is 182.5: the 183rd day
        ("established", "2023-09-01"),
        ("at_risk", "2024-03-02"),
        ("churned_unknown", "2024-08-31"),
    ]
    two_years = stays(purchases=days("2023-01-01", "2024-01-02"), window_days=365)
    assert two_years[3:] == [
        ("churned_unknown", "2024-01-01"),
        ("won_back", "2024-01-02"),
        ("established", "2024-04-01"),
        ("at_risk", "2024-07-03"),
    ]


@pytest.mark.parametrize(
    ("bought", "window_days", "expected"),
    [
        (("2024-01-01",), 60, 30),
        (("2024-01-01", "2024-01-05"), 365, Fraction(365, 2)),
        (("2024-01-01", "2024-01-05", "2024-01-05"), 60, 30),  # a day is one, whatever was bought
        (("2024-01-01", "2024-01-11", "2024-01-21"), 60, 20),
        (("2024-01-01", "2024-01-03", "2024-01-05"), 60, 14),
        (("2024-01-01", "2024-02-01", "2024-03-01"), 60, 45),
        (("2024-01-01", "2024-02-01", "2024-03-01"), 30, Fraction(45, 2)),
        (("2024-01-01", "2024-01-11", "2024-01-26"), 60, 25),  # gaps of 10 and 15: 12.5
        (("2024-01-01", "2024-01-02", "2024-01-20", "2024-01-30"), 60, 20),  # 1, 18 and 10
        (("2024-01-01", "2024-01-03", "2024-01-05"), 16, 12),  # not beyond the window
    ],
)
def test_how_long_a_customer_may_stay_away(bought, window_days, expected):
    assert quiet_days(purchases=days(*bought), window_days=window_days) == expected


def test_half_a_day_waits_for_the_whole_one():
    bought = days("2024-01-01", "2024-01-15", "2024-01-29")
    stages = stays(purchases=bought, window_days=30, known_since="2024-01-01")
    assert stages == [
        ("new", "2024-01-01"),
        ("at_risk", "2024-02-21"),  # 22.5 days after the last one
        ("churned_unknown", "2024-02-28"),
    ]


def test_who_pays_by_subscription_is_not_quiet():
    facts = {"purchases": days("2023-01-01"), "mrr": pays(1000, "2023-01-01", "2023-02-10")}
    assert stays(**facts, contracts=[contract("2023-01-01", "2023-02-10")]) == [
        ("new", "2023-01-01"),
        ("at_risk", "2023-02-10"),
        ("churned_unknown", "2023-03-02"),
    ]


def test_a_payment_is_due_or_an_end_is_asked_for_while_the_version_is_in_force():
    contracts = [
        contract("2023-01-01", "2023-05-01"),
        contract("2023-05-01", "2023-06-01", status="past_due"),
        contract("2023-06-01", "2024-07-01"),
        contract("2024-07-01", cancel_requested_on=on("2024-07-20")),
    ]
    assert stays(mrr=pays(1000, "2023-01-01"), contracts=contracts) == [
        ("new", "2023-01-01"),
        ("established", "2023-04-01"),
        ("at_risk", "2023-05-01"),
        ("established", "2023-06-01"),
        ("at_risk", "2024-07-20"),
    ]


def test_a_detractor_is_at_risk_until_another_answer_or_for_twelve_months():
    mrr = pays(1000, "2023-01-01")
    assert stays(mrr=mrr, answers=[answer("2023-05-31", score=6)]) == [
        ("new", "2023-01-01"),
        ("established", "2023-04-01"),
        ("at_risk", "2023-05-31"),
        ("established", "2024-05-31"),
    ]
    two = [answer("2023-05-31", score=6), answer("2023-07-01", score=7)]
    assert stays(mrr=mrr, answers=two)[2:] == [
        ("at_risk", "2023-05-31"),
        ("established", "2023-07-01"),
    ]


def test_of_two_answers_of_a_second_the_larger_key_speaks():
    answers = [
        answer("2023-05-31 10:00:00", score=0, response_id="r9"),
        answer("2023-05-31 10:00:00", score=8, response_id="r10"),
        answer("2023-05-31 12:00:00", score=5, survey_type="ces"),
    ]
    assert stage_on("2023-06-01", mrr=pays(1000, "2023-01-01"), answers=answers) == "at_risk"


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2024-02-29", "2025-02-28"), ("2023-02-28", "2024-02-28"), ("2023-12-31", "2024-12-31")],
)
def test_twelve_months_end_with_the_month_at_the_latest(day, expected):
    assert months_later(day=on(day), months=12) == on(expected)


def test_an_advocate_has_bought_three_times_or_paid_for_a_year():
    answers = [answer("2023-10-01", score=9)]
    bought = days("2023-01-01", "2023-04-01", "2023-11-01")
    assert stage_on("2023-11-01", purchases=bought, answers=answers, window_days=365) == "advocate"
    bought = days("2023-04-01", "2023-11-01", "2023-11-01")
    assert stage_on("2023-11-01", purchases=bought, answers=answers, window_days=365) == "advocate"
    assert stays(mrr=pays(1000, "2023-01-01"), answers=answers)[1:] == [
        ("established", "2023-04-01"),
        ("advocate", "2023-12-31"),  # the 365th day
        ("established", "2024-10-01"),
    ]


@pytest.mark.parametrize(("then", "ended_on"), [(900, "2024-06-29"), (901, "2024-03-01")])
def test_a_decline_starts_at_a_fifth_and_lasts_to_a_tenth(then, ended_on):
    def amount(day: date) -> int:
        return 1000 if day < on("2024-01-01") else 800 if day < on("2024-03-01") else then

    # on June 29 it is compared with the 800 of 180 days before: an eighth more is no growth
    assert stays(mrr=[amount(day) for day in RUN.days])[1:] == [
        ("established", "2023-04-01"),
        ("declining", "2024-01-01"),
        ("established", ended_on),
    ]


def test_growth_starts_at_a_fifth_and_lasts_to_a_tenth():
    def amount(day: date) -> int:
        return 1000 if day < on("2024-02-01") else 1200 if day < on("2024-04-01") else 1100

    assert stays(mrr=[amount(day) for day in RUN.days])[2:] == [
        ("growing", "2024-02-01"),
        ("established", "2024-07-30"),  # 1,100 against 1,200 of 180 days before
    ]


def test_a_trend_needs_360_days_and_something_to_compare_with():
    mrr = [1000 if day < on("2023-11-01") else 500 for day in RUN.days]
    assert stays(mrr=mrr)[1:] == [
        ("established", "2023-04-01"),
        ("declining", "2023-12-27"),  # 360 days after the first
        ("established", "2024-04-29"),  # 180 days after the change
    ]
    # free until 2023-12-01: against nothing it is no growth
    assert stays(purchases=days("2023-01-01"), window_days=365, mrr=pays(1000, "2023-12-01"))[
        3:
    ] == [("established", "2023-12-01")]


@pytest.mark.parametrize(("refund", "stage"), [(-600, "growing"), (-601, "established")])
def test_orders_count_for_180_days_and_a_refund_on_its_own_day(refund, stage):
    facts = {"mrr": pays(1000, "2023-01-01"), "revenue": [(on("2024-02-01"), 1200)]}
    # six times 10.00, and 12.00 more
    assert stays(**facts)[2:] == [("growing", "2024-02-01"), ("established", "2024-07-30")]
    facts["revenue"].append((on("2024-03-01"), refund))
    assert stage_on("2024-02-29", **facts) == "growing"
    assert stage_on("2024-03-01", **facts) == stage


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((), "churned_preventable"),  # the contract says the price
        ((answer("2023-08-30", reason_code=" Moved_Away "),), "churned_natural"),
        (
            (answer("2023-05-01", reason_code="moved_away"),),
            "churned_preventable",
        ),  # 92 days before
        ((answer("2023-05-03", reason_code="moved_away"),), "churned_natural"),
        ((answer("2023-08-30", reason_code="no idea"),), "churned_unknown"),
        ((answer("2023-08-30"),), "churned_preventable"),  # it says nothing
        (  # the nearer one has no reason, so the contract speaks
            (
                answer("2023-08-02", switched_to_competitor=False),
                answer("2023-08-30", reason_code="moved_away"),
            ),
            "churned_preventable",
        ),
        (  # of two as near the later
            (
                answer("2023-07-30", reason_code="moved_away"),
                answer("2023-08-03", reason_code="no idea"),
            ),
            "churned_unknown",
        ),
        (  # of two of a day the smaller key
            (
                answer("2023-08-03 09:00:00", reason_code="moved_away", response_id="b"),
                answer("2023-08-03 08:00:00", reason_code="no idea", response_id="a"),
            ),
            "churned_unknown",
        ),
    ],
)
def test_why_a_customer_left(answers, expected):
    facts = {
        "mrr": pays(1000, "2023-01-01", "2023-08-01"),
        "contracts": [contract("2023-01-01", "2023-08-01", cancel_reason="Price")],
    }
    assert stage_on("2024-06-01", **facts, answers=answers) == expected


def test_an_answer_after_leaving_changes_the_stage_on_its_day():
    answers = [
        answer("2023-09-10", reason_code="moved_away"),
        answer("2023-11-01", reason_code="price"),  # 92 days after: too late
    ]
    assert stays(mrr=pays(1000, "2023-01-01", "2023-08-01"), answers=answers)[2:] == [
        ("churned_unknown", "2023-08-01"),
        ("churned_natural", "2023-09-10"),
    ]


def test_of_contracts_that_end_together_one_with_a_reason_speaks_then_the_dearer():
    def left(*contracts: Contract) -> str:
        return stage_on("2023-08-01", mrr=pays(9, "2023-01-01", "2023-08-01"), contracts=contracts)

    span = ("2023-01-01", "2023-08-01")
    silent = contract(*span, mrr=9000, cancel_reason=" Unknown")
    cheap = contract(*span, mrr=1000, cancel_reason="price")
    dear = contract(*span, mrr=2000, cancel_reason="moved_away", subscription_id="t")
    free = contract(*span, mrr=0, cancel_reason="price")
    earlier = contract("2023-01-01", "2023-07-31", cancel_reason="price")
    of_a_day = contract("2023-08-01", "2023-08-01", cancel_reason="price")
    assert left(silent, cheap) == "churned_preventable"
    assert left(silent, cheap, dear) == "churned_natural"
    assert left(free, earlier, of_a_day) == "churned_unknown"


def test_an_order_is_read_as_its_money_moved():
    def read(**values: str) -> tuple[bool, list[tuple[str, int]]]:
        row = {"customer_id": "c", "ordered_at": "2023-05-05 23:59:59", "amount": "100"}
        (order,) = read_orders(rows=[dict.fromkeys(ORDER_COLUMNS, "") | row | values], run=RUN)
        return order.is_purchase, [(str(day), amount) for day, amount in order.entries if amount]

    sale = ("2023-05-05", 10000)
    assert read() == (True, [sale])
    assert read(refunded_amount="40", refunded_at="2023-06-01") == (
        True,
        [sale, ("2023-06-01", -4000)],
    )
    assert read(status="refunded", discount_amount="10", refunded_at="2023-06-01") == (
        False,
        [("2023-05-05", 9000), ("2023-06-01", -9000)],
    )
    assert read(refunded_amount="100", refunded_at="2023-05-01") == (
        False,
        [sale, ("2023-05-05", -10000)],
    )
    assert read(order_type="return", amount="-30") == (False, [("2023-05-05", -3000)])
    assert read(amount="-30") == (False, [("2023-05-05", -3000)])
    assert read(amount="0") == (True, [])
    assert read(amount="0", status="refunded") == (True, [])
    for nothing in ({"status": "pending"}, {"subscription_id": "s"}):
        assert read(**nothing) == (False, [])


def test_a_sale_that_came_back_is_no_purchase_and_its_money_stays_on_its_days():
    sale = dict.fromkeys(ORDER_COLUMNS, "") | {
        **{"order_id": "sale", "customer_id": "c", "ordered_at": "2023-05-05 12:00:00"},
        "amount": "100",
    }
    came_back = sale | {"order_id": "back", "ordered_at": "2023-06-01 12:00:00"}
    named = came_back | {"order_type": "return", "original_order_id": "sale"}
    unnamed = came_back | {"order_type": "return", "amount": "-100"}
    for row, is_purchase in (
        *((named, False), (unnamed, False), (came_back, True)),
        *((named | {"amount": "99"}, True), (unnamed | {"amount": "99"}, True)),
        # what is later than as-of is not known yet
        (named | {"ordered_at": f"{RUN.as_of + ONE_DAY} 00:00:00"}, True),
    ):
        orders = list(read_orders(rows=[sale, row], run=RUN))
        assert orders[0].is_purchase is is_purchase
        assert orders[0].entries[0] == (on("2023-05-05"), 10000)


def test_the_seeds_are_read():
    assert windows()["grocery"] == 30
    assert exit_types()["price"] == "preventable"
    assert RUN.days[-1] + ONE_DAY == on("2025-01-01")
