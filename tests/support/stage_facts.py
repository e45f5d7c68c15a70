"""What the rows of a delivery say of each customer, as the simulator of stages reads it."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from itertools import takewhile
from pathlib import Path

from random_lifecycles import Lifecycles
from random_subscriptions import Row
from returns import Booking, Matches, booked, is_purchase, matched
from stage_simulator import Answer, Contract, Facts, normal
from subscription_simulator import (
    Policy,
    Run,
    accepted_terms,
    read_version,
    rounded,
    simulate,
)

REFERENCE = Path(__file__).resolve().parents[2] / "seeds" / "reference"
DEFAULT_WINDOW_DAYS = 60
HIGHEST_SCORES = {"nps": 10, "csat": 5, "ces": 7, "intent": 10}
LOWEST_SCORES = {"csat": 1, "ces": 1}
SIGHTINGS = {
    "engagement_events": "occurred_at",
    "campaign_members": "assigned_at",
    "loyalty_memberships": "joined_at",
    "usage_readings": "read_at",
}
"""The tables of which every row counts, and when its event was."""


def seed(*, name: str) -> list[Row]:
    """Read a seed the analyst edits."""
    with (REFERENCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exit_types() -> dict[str, str]:
    """Return which reasons for leaving could have been prevented."""
    rows = seed(name="churn_reasons")
    return {row["reason_code"].strip().lower(): row["exit_type"] for row in rows}


def windows() -> dict[str, int]:
    """Return how long a purchase keeps a customer active in each vertical that has its own time."""
    rows = seed(name="activity_windows")
    return {row["vertical"].strip().lower(): int(row["activity_window_days"]) for row in rows}


def day_of(text: str, /) -> date | None:
    """Return the day of a time; None of an empty one."""
    return datetime.fromisoformat(text).date() if text else None


@dataclass(frozen=True, kw_only=True)
class Order:
    """An accepted order, in cents of the reporting currency."""

    customer_id: str
    ordered_on: date
    is_purchase: bool = False
    entries: tuple[tuple[date, int], ...] = ()


def is_accepted(*, booking: Booking, run: Run) -> bool:
    """Tell an order from one that is held back or rejected."""
    day = booking.ordered_on
    return day <= run.as_of and run.rate(currency=booking.currency, day=day) is not None


def read_order(*, row: Row, booking: Booking, matches: Matches, run: Run) -> Order:
    """Read an accepted order."""
    order = Order(customer_id=row["customer_id"], ordered_on=booking.ordered_on)
    if not booking.counts or booking.is_invoice:
        return order
    rate = run.rate(currency=booking.currency, day=booking.ordered_on)

    def in_cents(money: Fraction) -> int:
        return rounded(money * rate * 100)

    if booking.is_return:
        return replace(order, entries=((booking.ordered_on, -in_cents(abs(booking.amount))),))
    refunded_on = max(day_of(row["refunded_at"]) or booking.ordered_on, booking.ordered_on)
    return replace(
        order,
        is_purchase=is_purchase(booking=booking, matches=matches),
        entries=(
            (
                booking.ordered_on,
                in_cents(booking.amount) - in_cents(booking.discount or Fraction(0)),
            ),
            (refunded_on, -in_cents(booking.paid_back)),
        ),
    )


def read_orders(*, rows: Iterable[Row], run: Run) -> Iterator[Order]:
    """Read the accepted orders, each with what the others say of it."""
    bookings = [(row, booked(row | {"currency": row["currency"] or "EUR"})) for row in rows]
    accepted = [
        (row, booking) for row, booking in bookings if is_accepted(booking=booking, run=run)
    ]
    matches = matched(bookings=[booking for _, booking in accepted])
    for row, booking in accepted:
        yield read_order(row=row, booking=booking, matches=matches, run=run)


def accepted_answers(*, rows: Iterable[Row], run: Run) -> list[Row]:
    """Return the rows of surveys that count: of one key the newest that is not held back."""
    newest: dict[str, Row] = {}
    for row in rows:
        day = day_of(row["responded_at"] or row["invited_at"])
        kind = row["survey_type"]
        if row["score"] and kind in HIGHEST_SCORES:
            lowest, highest = LOWEST_SCORES.get(kind, 0), HIGHEST_SCORES[kind]
            if not lowest <= int(row["score"]) <= highest:
                continue
        if day is None or day > run.as_of:
            continue
        key = row["response_id"]
        if key not in newest or newest[key]["updated_at"] < row["updated_at"]:
            newest[key] = row
    return list(newest.values())


def read_answer(*, row: Row) -> Answer:
    """Read an answer to a survey."""
    switched = {"true": True, "false": False}.get(row["switched_to_competitor"])
    return Answer(
        response_id=row["response_id"],
        survey_type=row["survey_type"],
        responded_at=datetime.fromisoformat(row["responded_at"]),
        score=int(row["score"]) if row["score"] else None,
        reason_code=row["reason_code"] or None,
        switched_to_competitor=switched,
    )


def exchange_rates(*, rows: Iterable[Row]) -> dict[str, list[tuple[date, Fraction]]]:
    """Return the rates of each currency, oldest first."""
    rates = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["rate_date"]):
        since = date.fromisoformat(row["rate_date"])
        rates[row["from_currency"]].append((since, Fraction(row["rate"])))
    return rates


def customer_contracts(*, delivery: Lifecycles, run: Run) -> Iterator[tuple[str, Contract]]:
    """Yield each version with its customer; the next one of its subscription ends it."""
    versions = [read_version(row=row) for row in delivery.subscriptions]
    for terms in accepted_terms(versions=versions, run=run).values():
        following = [term.started_on for term in terms[1:]]
        contracts = []
        for term, replaced_on in zip(terms, [*following, None], strict=True):
            contract = Contract(
                subscription_id=term.version.subscription_id,
                started_on=term.started_on,
                stopped_on=min((day for day in (term.stops_on, replaced_on) if day), default=None),
                mrr=term.mrr,
                status=term.version.status,
                cancel_requested_on=term.requested,
                cancel_reason=term.version.cancel_reason,
            )
            contracts.append((term.version.customer_id, contract))
        later = [contract for _, contract in contracts]
        for customer_id, contract in contracts:
            later = later[1:]
            yield customer_id, replace(contract, cancel_reason=reason(contract, later))


def reason(contract: Contract, later: Iterable[Contract], /) -> str | None:
    """Return why a contract ended: its own reason, else the first of a pause without a gap."""
    last = contract
    lasting = [each for each in later if not each.stopped_on or each.started_on < each.stopped_on]
    for each in (contract, *takewhile(lambda each: each.mrr == 0, lasting)):
        if last.stopped_on is None or each.started_on > last.stopped_on:
            break
        says = normal(each.cancel_reason) not in (None, "unknown")
        if says and (each is contract or each.status == "paused"):
            return each.cancel_reason
        last = each
    return contract.cancel_reason


def recurring_revenue(*, delivery: Lifecycles, run: Run) -> Mapping[str, list[int]]:
    """Return of each subscriber what recurs at the end of each day."""
    versions = [read_version(row=row) for row in delivery.subscriptions]
    histories = simulate(versions=versions, purchases={}, run=run)
    return {customer_id: history.mrr for customer_id, history in histories.items()}


def read_delivery(
    *, delivery: Lifecycles, as_of: date, policy: Policy
) -> tuple[dict[str, Facts], Run]:
    """Return what is known of each customer at as-of, and the days to walk through."""
    run = Run(
        first_day=as_of,
        as_of=as_of,
        policy=policy,
        rates=exchange_rates(rows=delivery.exchange_rates),
    )
    contracts, events, answers = defaultdict(list), defaultdict(list), defaultdict(list)
    purchases, revenue, seen_on = defaultdict(list), defaultdict(list), defaultdict(list)
    described: dict[str, Row] = {}

    for customer_id, contract in customer_contracts(delivery=delivery, run=run):
        contracts[customer_id].append(contract)
        seen_on[customer_id].append(contract.started_on)
    for order in read_orders(rows=delivery.orders, run=run):
        seen_on[order.customer_id].append(order.ordered_on)
        purchases[order.customer_id].extend([order.ordered_on] * order.is_purchase)
        entries = [entry for entry in order.entries if entry[0] <= as_of]
        revenue[order.customer_id].extend(entries)
    for row in accepted_answers(rows=delivery.survey_responses, run=run):
        seen_on[row["customer_id"]].append(day_of(row["responded_at"] or row["invited_at"]))
        if row["responded_at"]:
            answers[row["customer_id"]].append(read_answer(row=row))
    for table, column in SIGHTINGS.items():
        for row in getattr(delivery, table):
            day = day_of(row[column])
            if day <= as_of:
                seen_on[row["customer_id"]].append(day)
                if table == "engagement_events":
                    events[row["customer_id"]].append((day, row["event_type"]))
    for row in delivery.customers:
        created_on = day_of(row["created_at"])
        if created_on is None or created_on <= as_of:
            described[row["customer_id"]] = row
            seen_on[row["customer_id"]].extend([created_on] if created_on else [])

    # nobody is behind the rows without a customer; of some there is no row with a day
    known_since = {name: min(days) for name, days in seen_on.items() if name and days}
    run = replace(run, first_day=min(known_since.values()))
    mrr = recurring_revenue(delivery=delivery, run=run)
    own_windows = windows()
    facts = {}
    for customer_id, since in sorted(known_since.items()):
        row = described.get(customer_id, {})
        vertical = row.get("vertical", "").strip().lower()
        facts[customer_id] = Facts(
            customer_id=customer_id,
            known_since=since,
            email_since=(day_of(row["created_at"]) or since) if row.get("email") else None,
            window_days=own_windows.get(vertical, DEFAULT_WINDOW_DAYS),
            purchases=purchases[customer_id],
            revenue=revenue[customer_id],
            events=events[customer_id],
            answers=answers[customer_id],
            contracts=contracts[customer_id],
            mrr=mrr.get(customer_id, ()),
        )
    return facts, run
