"""What the simulated customers pay for each plan, on examples that were worked out by hand."""

from datetime import date

import pytest
from simulated_plans import episodes, paid_by_plan, plan_movements, trials
from subscription_simulator import History, Run, read_version, simulate

RUN = Run(first_day=date(2024, 1, 1), as_of=date(2024, 6, 30))


def walked(*rows: dict[str, str]) -> History:
    """Walk the one customer `c` through the days; a date alone is the beginning of its day."""
    given = {"subscription_id": "s", "customer_id": "c", "status": "active", "amount": "30"}
    versions = [read_version(row=given | {"updated_at": row["started_at"]} | row) for row in rows]
    return simulate(versions=versions, purchases={}, run=RUN)["c"]


def moved(history: History, /) -> list[tuple[str, str, str, int]]:
    """Return the movements of the plans, in cents."""
    days = paid_by_plan(history=history, run=RUN)
    return sorted(
        (str(row.moved_on), row.movement, " / ".join(row.plan[:2]), row.change)
        for row in plan_movements(history=history, days=days, run=RUN)
    )


def test_from_silver_to_gold_30_move_and_20_are_expansion_of_gold():
    history = walked(
        {"started_at": "2024-01-10", "plan_id": "silver"},
        {"started_at": "2024-02-10", "plan_id": "gold", "amount": "50"},
    )
    assert moved(history) == [
        ("2024-01-10", "new", "silver / month", 3000),
        ("2024-02-10", "expansion", "gold / month", 2000),
        ("2024-02-10", "plan_in", "gold / month", 3000),
        ("2024-02-10", "plan_out", "silver / month", -3000),
    ]


def test_a_third_of_twenty_is_cut_into_whole_cents():
    ends = {"status": "cancelled", "ended_at": "2024-02-10"}
    history = walked(
        *(
            {"started_at": "2024-01-10", "subscription_id": plan, "plan_id": plan, "amount": "10"}
            | ends
            for plan in "abc"
        ),
        {"started_at": "2024-02-10", "subscription_id": "d", "plan_id": "d", "amount": "20"},
    )
    assert [row for row in moved(history) if row[0] == "2024-02-10"] == [
        ("2024-02-10", "contraction", "a / month", -333),
        ("2024-02-10", "contraction", "b / month", -334),
        ("2024-02-10", "contraction", "c / month", -333),
        ("2024-02-10", "plan_in", "d / month", 2000),
        ("2024-02-10", "plan_out", "a / month", -667),
        ("2024-02-10", "plan_out", "b / month", -666),
        ("2024-02-10", "plan_out", "c / month", -667),
    ]


@pytest.mark.parametrize(
    ("paid_on", "expected"),
    [
        ("2024-01-24", ("converted", 14)),
        ("2024-01-25", ("converted", 15)),
        ("2024-01-26", ("lost", 14)),
    ],
)
def test_a_trial_is_converted_within_the_grace(paid_on, expected):
    history = walked(
        {
            "started_at": "2024-01-10",
            "status": "trialing",
            "ended_at": "2024-01-24",
        },
        {"started_at": paid_on},
    )
    assert [(trial.outcome, trial.days) for trial in trials(history=history, run=RUN)] == [expected]


def test_a_trial_over_on_the_last_day_is_open():
    over, just_over = (
        walked({"started_at": "2024-06-10", "status": "trialing", "ended_at": f"2024-06-{day}"})
        for day in (29, 30)
    )
    assert [trial.outcome for trial in trials(history=over, run=RUN)] == ["lost"]
    assert [trial.outcome for trial in trials(history=just_over, run=RUN)] == ["open"]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"started_at": "2024-02-10"}, [("recovered", 9)]),
        ({"started_at": "2024-02-10", "status": "past_due"}, [("open", None)]),
        ({"started_at": "2024-02-10", "status": "paused"}, [("lost", 9)]),
        ({"started_at": "2024-02-10", "plan_id": "free", "amount": "0"}, [("lost", 9)]),
    ],
)
def test_a_failed_payment_is_recovered_by_what_is_paid_after_it(then, expected):
    history = walked({"started_at": "2024-02-01", "status": "past_due"}, then)
    assert [(each.outcome, each.days) for each in episodes(history=history, run=RUN)] == expected
