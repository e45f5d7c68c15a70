"""The simulator itself, on examples that were worked out by hand (models/metrics.md)."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from simulated_periods import mrr_sums, periods, retention_counts
from subscription_simulator import (
    History,
    Policy,
    Run,
    Spell,
    cents,
    monthly_price,
    read_version,
    rounded,
    simulate,
)

AS_OF = date(2024, 12, 31)


def version(started_on: str, amount: object, /, **values: object) -> dict[str, str]:
    """Make a raw row; a date alone is the beginning of its day."""
    row = {"subscription_id": "s", "customer_id": "c", "started_at": started_on, "amount": amount}
    row |= {"status": "active", "updated_at": started_on} | values
    return {name: str(value) for name, value in row.items()}


def run_with(**values: object) -> Run:
    """Make a run over 2023 and 2024."""
    return Run(**({"first_day": date(2023, 1, 1), "as_of": AS_OF} | values))


def walked(*rows: dict[str, str], purchases: tuple[str, ...] = (), **values: object) -> History:
    """Walk the one customer `c` through the days."""
    histories = simulate(
        versions=[read_version(row=row) for row in rows],
        purchases={"c": [date.fromisoformat(day) for day in purchases]},
        run=run_with(**values),
    )
    return histories["c"]


def moved(history: History, /) -> list[tuple[str, str, int]]:
    """Return the movements, in cents."""
    return [(str(row.moved_on), row.movement, row.change) for row in history.movements]


def cancelled(paid_through: str, /) -> dict[str, str]:
    """Make the dates of a version that ended."""
    return {"status": "cancelled", "paid_through_at": paid_through}


def spell(
    relationship: str, number: int, started: str, ended: str | None, lapses: str | None = None
) -> Spell:
    """Make a spell."""
    return Spell(
        relationship=relationship,
        spell_number=number,
        started_on=date.fromisoformat(started),
        ended_on=ended and date.fromisoformat(ended),
        lapses_on=lapses and date.fromisoformat(lapses),
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (version("2024-01-01", 2000, billing_interval="year"), 16667),
        (version("2024-01-01", 30, quantity=2), 6000),
        (version("2024-01-01", 120, discount_amount=12, billing_interval="year"), 900),
        (version("2024-01-01", 100, quantity=100), 1_000_000),
        (version("2024-01-01", 600, quantity=50, billing_interval="year"), 250_000),
        (version("2024-01-01", 300, billing_interval="quarter"), 10_000),
        (version("2024-01-01", 12, billing_interval="week"), 5200),
        (version("2024-01-01", 1, billing_interval="day"), 3042),
        (version("2024-01-01", 300, billing_interval_count=3), 10_000),
        # 10.26 a year is 0.855 a month, exactly half a cent
        (version("2024-01-01", "10.26", billing_interval="year"), 86),
        (version("2024-01-01", 10, discount_amount=12), 0),
        (version("2024-01-01", 10, status="trialing"), 0),
        (version("2024-01-01", 10, status="paused"), 0),
        (version("2024-01-01", 10, status="past_due"), 1000),
    ],
)
def test_a_price_per_month_is_the_one_worked_out_by_hand(row, expected):
    price = monthly_price(version=read_version(row=row), policy=Policy())
    assert cents(price=price, rate=Fraction(1)) == expected


def test_a_half_is_rounded_away_from_zero():
    halves = [Fraction(number, 2) for number in (-3, -1, 1, 3, 5)]
    assert [rounded(number) for number in halves] == [-2, -1, 1, 2, 3]


def test_gold_and_silver():
    history = walked(
        version("2023-03-01", 2000, billing_interval="year", **cancelled("2024-03-01")),
        version("2023-05-01", 30, quantity=2, subscription_id="t", **cancelled("2023-09-10")),
    )
    assert moved(history) == [
        ("2023-03-01", "new", 16667),
        ("2023-05-01", "expansion", 6000),
        ("2023-09-10", "contraction", -6000),
        ("2024-03-01", "churn", -16667),
    ]


def test_who_falls_to_zero_and_comes_back_churns_and_is_reactivated():
    history = walked(
        version("2024-01-10", 100, **cancelled("2024-03-01")), version("2024-05-01", 90)
    )
    assert moved(history) == [
        ("2024-01-10", "new", 10000),
        ("2024-03-01", "churn", -10000),
        ("2024-05-01", "reactivation", 9000),
    ]
    assert history.spells == [
        spell("subscription", 1, "2024-01-10", "2024-03-01"),
        spell("subscription", 2, "2024-05-01", None),
        spell("any", 1, "2024-01-10", "2024-03-01"),
        spell("any", 2, "2024-05-01", None),
    ]


@pytest.mark.parametrize("subscription_id", ["s", "t"])
@pytest.mark.parametrize(
    ("gap", "grace_days", "is_filled"), [(0, 0, True), (1, 1, True), (1, 0, False), (2, 1, False)]
)
def test_a_gap_within_the_grace_is_no_movement(subscription_id, gap, grace_days, is_filled):
    returned_on = f"2024-03-{10 + gap}"
    history = walked(
        version("2024-01-10", 100, **cancelled("2024-03-10")),
        version(returned_on, 80, subscription_id=subscription_id),
        policy=Policy(renewal_grace_days=grace_days),
    )
    churn = [("2024-03-10", "churn", -10000), (returned_on, "reactivation", 8000)]
    change = [(returned_on, "contraction", -2000)]
    assert moved(history)[1:] == (change if is_filled else churn)


def test_a_gap_of_one_subscription_is_filled_while_another_goes_on():
    history = walked(
        version("2024-01-10", 100, **cancelled("2024-03-10")),
        version("2024-03-11", 100),
        version("2024-01-10", 50, subscription_id="t"),
    )
    assert moved(history) == [("2024-01-10", "new", 15000)]


def test_what_the_exchange_rate_explains_comes_first():
    rates = {"USD": [(date(2023, 1, 1), Fraction("0.9")), (date(2024, 6, 1), Fraction("0.95"))]}
    history = walked(
        version("2024-01-10", 100, currency="USD"),
        version("2024-07-01", 120, currency="USD"),
        version("2024-09-01", 120, currency="USD"),
        rates=rates,
    )
    assert moved(history) == [
        ("2024-01-10", "new", 9000),
        ("2024-07-01", "fx", 500),
        ("2024-07-01", "expansion", 1900),
    ]


@pytest.mark.parametrize(
    ("recognised", "stop"),
    [("paid_through", "2024-05-01"), ("cancelled", "2024-04-15"), ("requested", "2024-04-01")],
)
def test_the_policy_says_which_date_stops_a_cancelled_version(recognised, stop):
    dates = {"paid_through_at": "2024-05-01", "ended_at": "2024-04-15"}
    history = walked(
        version("2024-01-10", 100, **dates, cancel_requested_at="2024-04-01", status="cancelled"),
        policy=Policy(churn_recognised_at=recognised),
    )
    assert moved(history)[1:] == [(stop, "churn", -10000)]


def test_dates_do_not_end_what_is_in_force_and_an_end_in_the_past_does():
    dates = {"paid_through_at": "2024-02-01", "cancel_requested_at": "2024-02-01"}
    open_version = version("2024-01-10", 100, **dates, ended_at="2025-01-01")
    assert len(moved(walked(open_version))) == 1
    # the end is in the past, the paid time is longer
    over = open_version | {"ended_at": "2024-12-31", "paid_through_at": "2025-02-01"}
    assert walked(over).spells[0] == spell("subscription", 1, "2024-01-10", None, "2025-02-01")
    assert walked(over | {"paid_through_at": ""}).spells[0].ended_on == AS_OF


def test_a_row_that_is_rejected_held_back_or_superseded_does_nothing():
    history = walked(
        version("2024-01-10", 100, updated_at="2024-01-12"),
        version("2024-01-10", 70, updated_at="2024-01-11"),
        version("2024-02-10", 70, status="cancelled", subscription_id="t"),
        version("2024-03-10", 70, currency="USD"),
        version("2024-04-10", 70, ended_at="2024-04-09"),
        version("2025-01-01", 70),
    )
    assert moved(history) == [("2024-01-10", "new", 10000)]


@pytest.mark.parametrize("dates", [{}, {"ended_at": "2024-03-10"}])
@pytest.mark.parametrize("status", ["active", "paused", "trialing"])
def test_a_row_that_only_says_it_is_over_ends_the_version_before_it(status, dates):
    history = walked(
        version("2024-01-10", 100),
        version("2024-02-10", 80, status=status, paid_through_at="2025-02-10"),
        version("2024-03-10", 80, status="cancelled", **dates),
    )
    kept = [("2024-02-10", "contraction", -2000), ("2024-03-10", "churn", -8000)]
    lost = [("2024-02-10", "churn", -10000)]
    assert moved(history)[1:] == (kept if status == "active" else lost)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ("", [("2024-01-24", "new", 10000)]),
        ("2024-03-01", [("2024-01-24", "new", 10000), ("2024-03-01", "churn", -10000)]),
        ("2024-01-24", []),
    ],
)
def test_a_trial_that_a_paid_version_tells_is_free(ended, expected):
    row = version("2024-01-10", 100, trial_ends_at="2024-01-24", ended_at=ended)
    assert moved(walked(row | {"status": "cancelled" if ended else "active"})) == expected


def test_what_was_paid_back_stops_at_once():
    row = version("2024-01-10", 100, **cancelled("2025-01-10"), ended_at="2024-03-10")
    assert len(moved(walked(row))) == 1
    for values in ({"is_refunded": "true"}, {"credited_amount": "1"}):
        assert moved(walked(row | values))[1:] == [("2024-03-10", "churn", -10000)]
    successor = version("2024-03-10", 120, subscription_id="t")
    assert moved(walked(row, successor))[1:] == [("2024-03-10", "expansion", 2000)]


def test_a_request_counts_while_the_end_lies_ahead_unless_it_is_withdrawn():
    policy = Policy(churn_recognised_at="requested")
    asked = version("2024-01-10", 100, cancel_requested_at="2024-03-01", ended_at="2025-01-10")
    assert moved(walked(asked, policy=policy))[1:] == [("2024-03-01", "churn", -10000)]
    goes_on = version("2024-04-01", 100)
    assert moved(walked(asked, goes_on, policy=policy)) == [("2024-01-10", "new", 10000)]


def test_free_time_of_a_payer_is_lost_or_kept():
    rows = [
        version("2024-01-10", 100),
        version("2024-02-10", 100, status="trialing"),
        version("2024-03-10", 100),
    ]
    assert [movement for _, movement, _ in moved(walked(*rows))] == ["new", "churn", "reactivation"]
    kept = Policy(free_time_counts_as="kept")
    assert moved(walked(*rows, policy=kept)) == [("2024-01-10", "new", 10000)]
    assert moved(walked(version("2024-01-10", 100, status="trialing"), policy=kept)) == []


def test_of_two_versions_of_a_day_the_later_one_counts():
    history = walked(
        version("2024-01-10 08:00:00", 100),
        version("2024-01-10 09:00:00", 70),
        version("2024-03-01", 100, **cancelled("2024-02-01")),
    )
    # the last one stops before it starts: it counts on no day, and ends the one before
    assert moved(history) == [("2024-01-10", "new", 7000), ("2024-03-01", "churn", -7000)]


def test_purchases_and_what_is_paid_unite():
    history = walked(
        version("2024-06-30", 10, **cancelled("2024-08-01")),
        purchases=("2024-01-01", "2024-01-20", "2024-05-01", "2024-12-01"),
    )
    assert history.spells == [
        spell("orders", 1, "2024-01-01", "2024-03-20"),
        spell("orders", 2, "2024-05-01", "2024-06-30"),
        spell("orders", 3, "2024-12-01", None, "2025-01-30"),
        spell("subscription", 1, "2024-06-30", "2024-08-01"),
        spell("any", 1, "2024-01-01", "2024-03-20"),
        spell("any", 2, "2024-05-01", "2024-08-01"),
        spell("any", 3, "2024-12-01", None, "2025-01-30"),
    ]


def test_opening_100_churn_10_contraction_10_expansion_10():
    histories = [
        walked(version("2024-01-10", 10, **cancelled("2024-05-11"))),
        walked(version("2024-01-10", 50), version("2024-05-11", 40)),
        walked(version("2024-01-10", 40), version("2024-05-11", 50)),
    ]
    run = run_with()
    (may,) = [row for row in periods(run=run) if str(row.starts_on) == "2024-05-01"]
    sums = [mrr_sums(history=history, period=may, run=run) for history in histories]
    assert {name: sum(Decimal(row[name]) / 100 for row in sums) for name in sums[0]} == {
        "opening_mrr_amount": 100,
        "new_mrr_amount": 0,
        "expansion_mrr_amount": 10,
        "contraction_mrr_amount": -10,
        "churn_mrr_amount": -10,
        "reactivation_mrr_amount": 0,
        "fx_mrr_amount": 0,
        "closing_mrr_amount": 90,
        "paying_customers": Decimal("0.02"),
        "gross_retained_mrr_amount": 80,
        "net_retained_mrr_amount": 90,
    }


@pytest.mark.parametrize(
    ("rate", "end", "gross", "net"),
    [
        ("0.8", "", 9000, 10600),  # the 100 of before are still 90, the 20 more are 16
        ("0.8", "2024-05-20", 0, 0),
        ("1", "", 9000, 11000),  # and here they are 20
    ],
)
def test_what_is_retained_leaves_the_rate_out_and_who_left_is_lost(rate, end, gross, net):
    run = run_with(
        rates={"USD": [(date(2023, 1, 1), Fraction("0.9")), (date(2024, 5, 1), Fraction(rate))]}
    )
    history = walked(
        version("2024-01-10", 100, currency="USD"),
        version("2024-05-10", 120, currency="USD", **(cancelled(end) if end else {})),
        rates=run.rates,
    )
    (may,) = [row for row in periods(run=run) if str(row.starts_on) == "2024-05-01"]
    sums = mrr_sums(history=history, period=may, run=run)
    assert (sums["gross_retained_mrr_amount"], sums["net_retained_mrr_amount"]) == (gross, net)


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([("04-10", "")], {"opening", "closing"}),
        ([("04-10", "05-01")], {"opening", "lost"}),
        ([("04-10", "05-11"), ("05-20", "")], {"opening", "closing", "lost_and_returned"}),
        ([("05-10", "")], {"closing", "new"}),
        ([("05-10", "05-31")], {"new_and_lost"}),
        ([("04-10", "04-11"), ("05-31", "")], {"closing", "reactivated"}),
        ([("04-10", "04-11"), ("05-02", "05-04")], {"reactivated_and_lost"}),
        ([("04-10", "05-02"), ("05-10", "05-14")], {"opening", "lost"}),
        ([("06-01", "")], set()),
        ([("04-01", "04-30")], set()),
    ],
)
def test_a_customer_counts_in_may_as_what_became_of_them(stretches, expected):
    history = walked(
        *(
            version(f"2024-{first}", 10, **(cancelled(f"2024-{end}") if end else {}))
            for first, end in stretches
        )
    )
    run = run_with()
    (may,) = [row for row in periods(run=run) if str(row.starts_on) == "2024-05-01"]
    counts = retention_counts(history=history, relationship="subscription", period=may, run=run)
    ended_in_may = [end for _, end in stretches if end.startswith("05")]
    assert counts.pop("churn_events", 0) == len(ended_in_may)
    assert counts.pop("active_in_period_customers", 0) == bool(expected)
    assert set(counts) == {f"{name}_customers" for name in expected}
    assert set(counts.values()) <= {1}


def test_periods_are_cut_by_as_of():
    run = Run(first_day=date(2024, 10, 5), as_of=date(2024, 11, 29))
    assert [(row.grain, str(row.starts_on), str(row.closes_on)) for row in periods(run=run)] == [
        ("month", "2024-10-01", "2024-10-31"),
        ("month", "2024-11-01", "2024-11-29"),
        ("quarter", "2024-10-01", "2024-11-29"),
        ("year", "2024-01-01", "2024-11-29"),
        ("trailing_12_months", "2023-11-01", "2024-10-31"),
        ("trailing_12_months", "2023-12-01", "2024-11-29"),
    ]
    weeks = [row for row in periods(run=run, with_weeks=True) if row.grain == "week"]
    assert [(str(row.starts_on), str(row.closes_on)) for row in (weeks[0], weeks[-1])] == [
        ("2024-09-30", "2024-10-06"),
        ("2024-11-25", "2024-11-29"),
    ]
    assert [row.is_complete for row in periods(run=run)] == [True, False, False, False, True, False]


def test_a_time_belongs_to_its_day_to_the_last_second():
    history = walked(version("2024-01-10 23:59:59", 100, **cancelled("2024-03-01 23:59:59")))
    assert [row.moved_on for row in history.movements] == [date(2024, 1, 10), date(2024, 3, 1)]
    assert read_version(row=version("2024-01-10 23:59:59", 1)).started_at == datetime(
        2024, 1, 10, 23, 59, 59
    )
