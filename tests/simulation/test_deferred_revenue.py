"""Thousands of random subscriptions: deferred revenue equals a walk through every day."""

import datetime as dt
import random
from collections import Counter, defaultdict
from dataclasses import asdict
from fractions import Fraction

import pytest
from deferred_simulator import Facts, deferred_facts, owed, read_prepaid, stretches
from differences import compare
from lifecycle import build_with_dbt
from random_subscriptions import AS_OF, FIRST_DAY, SEGMENTS, Delivery, some_delivery
from subscription_simulator import Policy, Run, accepted_terms

pytestmark = pytest.mark.long  # a build, and a walk through every day

POLICIES = {
    "the defaults": Policy(),
    "the cancellation counts, a pause is kept": Policy(
        churn_recognised_at="cancelled", paused_counts_as="kept"
    ),
}
KINDS = {
    "billed": "billed_amount",
    "earned": "earned_amount",
    "refunded": "refunded_amount",
    "breakage": "breakage_amount",
    "terms": "terms_billed",
    "deliveries": "deliveries_due",
}


@pytest.fixture(scope="module")
def delivery() -> Delivery:
    """Make a delivery with credits and deliveries, each customer in a region of their own."""
    delivery = some_delivery(seed=7)
    chance = random.Random(7)
    deliveries = {
        row["subscription_id"]: chance.choice(("", "", "1", "3", "6", "12", "40"))
        for row in delivery.subscriptions
    }
    for row in delivery.subscriptions:
        is_over = row["status"] in ("cancelled", "expired") or row["ended_at"]
        credit = chance.choice(("0", "3.33", "-20", "500")) if chance.random() < 0.2 else ""
        row["deliveries_per_term"] = deliveries[row["subscription_id"]]
        row["credited_amount"] = credit if is_over else ""
        row["is_refunded"] = "true" if is_over and chance.random() < 0.2 else ""
    owners = {row["customer_id"] for row in delivery.subscriptions + delivery.orders}
    delivery.customers[:] = [
        {"customer_id": owner, **dict.fromkeys(SEGMENTS, "same"), "region": owner}
        for owner in sorted(owners)
    ]
    return delivery


def run_of(delivery: Delivery, policy: Policy, /) -> Run:
    """Return the rates and policy of a walk."""
    rates = defaultdict(list)
    for row in sorted(delivery.exchange_rates, key=lambda row: row["rate_date"]):
        since = dt.date.fromisoformat(row["rate_date"])
        rates[row["from_currency"]].append((since, Fraction(row["rate"])))
    return Run(first_day=FIRST_DAY, as_of=AS_OF, policy=policy, rates=rates)


def test_every_way_to_end_a_term_occurs(delivery):
    run = run_of(delivery, Policy())
    versions = [read_prepaid(row=row) for row in delivery.subscriptions]
    seen = Counter()
    for terms in accepted_terms(versions=versions, run=run).values():
        for stretch in stretches(terms=terms, run=run):
            last = stretch.last.version
            seen["open"] += stretch.stops_on is None
            seen["replaced"] += stretch.is_replaced
            seen["of several versions"] += stretch.first is not stretch.last
            seen["refunded"] += last.is_refunded
            seen["credited"] += last.credited_amount is not None
            seen["payment failed"] += last.status == "past_due"
            seen["no longer paid"] += not stretch.is_billed(day=AS_OF)
    assert {name: count for name, count in seen.items() if count < 20} == {}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_every_month_of_every_customer_is_that_of_the_days(delivery, policy, tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    delivery.write(folder=folder)
    versions = [read_prepaid(row=row) for row in delivery.subscriptions]
    expected = deferred_facts(versions=versions, run=run_of(delivery, policy))
    found: Facts = Counter()
    with build_with_dbt(
        folder=tmp_path,
        select=["+rpt_deferred_revenue"],
        dbt_vars=asdict(policy),
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
        AS_OF_DATE=AS_OF,
    ) as warehouse:
        amounts = ", ".join(
            f"cast({name} * {100 if name.endswith('_amount') else 1} as bigint)"
            for name in KINDS.values()
        )
        for customer_id, month, *numbers in warehouse.execute(
            f"select region, changed_month, {amounts} from intermediate.int_terms_earned"
        ).fetchall():
            for kind, number in zip(KINDS, numbers, strict=True):
                found[customer_id, month, kind] += number
        closing = warehouse.execute(
            "select period_start_date, cast(closing_deferred_amount * 100 as bigint) "
            "from marts.rpt_deferred_revenue "
            "where period_grain = 'month' and segment_name = 'all' and period_start_date >= ?",
            [FIRST_DAY],
        ).fetchall()

    raw = defaultdict(list)
    for row in sorted(delivery.subscriptions, key=lambda row: row["started_at"]):
        raw[row["customer_id"]].append(row)
    compare(
        what="deferred revenue",
        expected=lines(expected),
        found=lines(found),
        raw=raw,
        folder=tmp_path,
    )
    walked = owed(facts=expected)
    assert dict(closing) == {month: walked[month] for month, _ in closing}


def lines(facts: Facts, /) -> dict[str, list[str]]:
    """Write what is said of each customer, without what is nothing."""
    said = defaultdict(list)
    for (customer_id, month, kind), number in sorted(facts.items()):
        if number:
            said[customer_id].append(f"{month} {kind} {number}")
    return dict(said)
