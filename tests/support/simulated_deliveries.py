"""A delivery as the simulator reads it, and what occurs in it."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from random_subscriptions import AS_OF, SEGMENTS, Delivery, Row
from returns import booked, is_purchase, matched
from subscription_simulator import (
    History,
    Policy,
    Run,
    Version,
    accepted_terms,
    paying_terms,
    read_version,
    simulate,
)


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A delivery and what the simulator makes of it."""

    delivery: Delivery
    run: Run
    versions: list[Version]
    histories: dict[str, History]

    @cached_property
    def described(self) -> dict[str, Row]:
        """What the delivery says of each customer it describes."""
        return {row["customer_id"]: row for row in self.delivery.customers}

    @cached_property
    def segments(self) -> defaultdict[str, tuple[str, ...]]:
        """The segments of each customer; of one nobody described they are unknown."""
        known = defaultdict(lambda: ("unknown",) * len(SEGMENTS))
        for customer_id, row in self.described.items():
            known[customer_id] = tuple(row[name] or "unknown" for name in SEGMENTS)
        return known


def simulated(*, delivery: Delivery, policy: Policy) -> Simulated:
    """Walk through the days of a delivery."""
    rates = defaultdict(list)
    for row in sorted(delivery.exchange_rates, key=lambda row: row["rate_date"]):
        since = dt.date.fromisoformat(row["rate_date"])
        rates[row["from_currency"]].append((since, Fraction(row["rate"])))
    purchases = defaultdict(list)
    bookings = [booked(row) for row in delivery.orders]
    bookings = [booking for booking in bookings if booking.ordered_on <= AS_OF]
    matches = matched(bookings=bookings)
    for booking in bookings:
        if is_purchase(booking=booking, matches=matches):
            purchases[booking.customer_id].append(booking.ordered_on)
    versions = [read_version(row=row) for row in delivery.subscriptions]
    days = [version.started_at.date() for version in versions]
    run = Run(
        first_day=min([*days, *(day for bought in purchases.values() for day in bought)]),
        as_of=AS_OF,
        policy=policy,
        rates=rates,
    )
    histories = simulate(versions=versions, purchases=purchases, run=run)
    return Simulated(delivery=delivery, run=run, versions=versions, histories=histories)


def situations_of_version(version: Version, run: Run, /) -> Iterator[str]:
    """Yield what is special about a raw row."""
    ended, paid_through = version.ended_at, version.paid_through_at
    is_live = version.status in ("trialing", "active", "past_due", "paused")
    yield version.status or "no status"
    yield version.billing_interval
    if version.status == "cancelled" and ended and paid_through and ended < paid_through:
        yield "cancelled before paid through"
    if ended and is_live:
        yield "end planned" if ended.date() > run.as_of else "end against status"
    if ended and ended.date() < version.started_at.date():
        yield "ended before its start"
    elif (
        not is_live
        and paid_through
        and max(paid_through, ended or paid_through) < version.started_at
    ):
        yield "stops before it starts"
    if not is_live and version.status and not (ended or paid_through):
        yield "requested alone" if version.cancel_requested_at else "over without a date"
    if not version.amount:
        yield "nothing to pay"
    if version.discount_amount > 0:
        yield "discount"
    if version.billing_interval_count > 1:
        yield "interval count above 1"
    if version.started_at.date() > run.as_of:
        yield "held back"
    if not run.rate(currency=version.currency, day=version.started_at.date()):
        yield "no rate"


def situations(simulated: Simulated, /) -> Counter:
    """Count what occurs in a delivery."""
    run = simulated.run
    seen = Counter(row["quantity"] or "no quantity" for row in simulated.delivery.subscriptions)
    keys = Counter((version.subscription_id, version.started_at) for version in simulated.versions)
    seen["superseded"] = keys.total() - len(keys)
    for version in simulated.versions:
        seen.update(situations_of_version(version, run))
    for history in simulated.histories.values():
        seen.update(movement.movement for movement in history.movements)
        if any(history.active["orders"]):
            both = any(history.active["subscription"])
            seen["orders and subscription" if both else "orders alone"] += 1

    subscriptions = defaultdict(list)
    for terms in accepted_terms(versions=simulated.versions, run=run).values():
        paying = paying_terms(terms=terms, run=run)
        for owner in {term.version.customer_id for term in terms}:
            subscriptions[owner].append(
                [term is not None and term.version.customer_id == owner for term in paying]
            )
        for term in terms:
            seen["stop planned"] += term.stops_on is not None and term.stops_on > run.as_of
            seen["half a cent"] += term.price % 10**6 == 5 * 10**5 and term.mrr > 0
        for before, after in pairwise(terms):
            seen["two versions of a day"] += before.started_on == after.started_on
            seen["trial to paid"] += before.version.status == "trialing" and after.mrr > 0
            seen["handed over"] += before.version.customer_id != after.version.customer_id
    for own in subscriptions.values():
        for days in own:
            for last, following in pairwise([n for n, is_paid in enumerate(days) if is_paid]):
                gap = following - last - 1
                within = gap <= run.policy.renewal_grace_days
                seen["gap within the grace" if within else "gap beyond the grace"] += gap > 0
        nobody = (False,) * len(own)
        for before, yesterday, today in zip(
            *(list(zip(*own, strict=True))[start:] for start in range(3)), strict=False
        ):
            seen["overlap of two subscriptions"] += sum(today) > 1
            handover = zip(yesterday, today, strict=True)
            is_swap = sum(yesterday) == sum(today) == 1 and yesterday != today
            seen["swap of subscriptions on a day"] += is_swap and any(
                a and not b for a, b in handover
            )
            seen["gap between two subscriptions"] += (
                before != nobody and yesterday == nobody and today not in (nobody, before)
            )
    return seen
