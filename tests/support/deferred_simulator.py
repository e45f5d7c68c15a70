"""A second computation of deferred revenue, to compare the marts with.

Written from the definition (models/metrics.md), and as plain: it walks through every day of every
term and adds up what that day earns, in fractions. Money is whole cents.
"""

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from subscription_simulator import (
    ONE_DAY,
    Run,
    Term,
    Version,
    accepted_terms,
    monthly_price,
    read_version,
    rounded,
)

MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}

Facts = Counter[tuple[str, date, str]]
"""Of each customer, first day of a month and kind of fact an amount in cents or a count."""


@dataclass(frozen=True, kw_only=True)
class PrepaidVersion(Version):
    """A raw row of a subscription with what deferred revenue asks of it."""

    deliveries_per_term: int | None = None
    credited_amount: Decimal | None = None

    @property
    def price(self) -> Fraction:
        """Return what a term bills in its own currency."""
        return Fraction(self.amount) * Fraction(self.quantity) - abs(Fraction(self.discount_amount))


def read_prepaid(*, row: Mapping[str, str]) -> PrepaidVersion:
    """Read a row of subscriptions.csv."""
    known = {
        "deliveries_per_term": int(row["deliveries_per_term"] or 0) or None,
        # a credit of nothing says nothing
        "credited_amount": Decimal(row["credited_amount"] or 0) or None,
    }
    return PrepaidVersion(**vars(read_version(row=row)) | known)


def day_of(moment: object, /) -> date | None:
    """Return the day of a time, if there is one."""
    return moment.date() if moment else None


def term_start(*, version: PrepaidVersion, first_day: date, number: int) -> date:
    """Return the first day of a term; a month without that day has its last day instead."""
    if version.billing_interval in DAYS:
        days = DAYS[version.billing_interval] * version.billing_interval_count
        return first_day + ONE_DAY * days * number
    months = MONTHS[version.billing_interval] * version.billing_interval_count * number
    year, month = divmod(first_day.year * 12 + first_day.month - 1 + months, 12)
    return date(year, month + 1, min(first_day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Versions that are billed as one."""

    first: Term
    last: Term
    stops_on: date | None
    next_starts_on: date | None

    @property
    def ends_on(self) -> date:
        """Return the first day that is not served any more."""
        version = self.last.version
        following = self.next_starts_on or date.max
        if self.stops_on is None:
            return date.max
        ended, paid = day_of(version.ended_at), day_of(version.paid_through_at)
        if self.last.is_paid_back:
            return min(ended or self.stops_on, self.next_starts_on or self.stops_on)
        return min(max(filter(None, (self.stops_on, ended, paid))), following)

    @property
    def is_replaced(self) -> bool:
        """Tell whether another version begins on the day it ends."""
        return self.next_starts_on == self.ends_on

    def is_billed(self, *, day: date) -> bool:
        """Tell whether a term that begins on a day is paid for."""
        version, first_day = self.last.version, self.first.started_on
        is_failing = version.status == "past_due"
        paid = day_of(version.paid_through_at)
        if paid and paid > first_day:
            is_left = self.stops_on and not self.last.is_paid_back and not self.is_replaced
            return day < paid if is_failing or is_left else True
        return not (is_failing and self.last.started_on > first_day and day >= self.last.started_on)


def stretches(*, terms: Sequence[Term], run: Run) -> Iterator[Stretch]:
    """Yield the stretches of a subscription, in order."""
    lasting = []
    for number, term in enumerate(terms):
        stops = [term.stops_on, *(other.started_on for other in terms[number + 1 : number + 2])]
        stops_on = min(filter(None, stops), default=None)
        if stops_on is None or term.started_on < stops_on:
            lasting.append((term, stops_on))
    open_stretch: list[tuple[Term, date | None]] = []
    for number, (term, stops_on) in enumerate(lasting):
        if not monthly_price(version=term.version, policy=run.policy):
            continue
        before = lasting[number - 1] if number else None
        goes_on = (
            bool(open_stretch)
            and before == open_stretch[-1]
            and before[1] == term.started_on
            and not before[0].is_paid_back
            and billed_alike(before[0].version, term.version)
        )
        open_stretch = [*open_stretch, (term, stops_on)] if goes_on else [(term, stops_on)]
        following = lasting[number + 1] if number + 1 < len(lasting) else None
        is_last = (
            following is None
            or not monthly_price(version=following[0].version, policy=run.policy)
            or following[0].started_on != stops_on
            or term.is_paid_back
            or not billed_alike(term.version, following[0].version)
        )
        if is_last:
            yield Stretch(
                first=open_stretch[0][0],
                last=term,
                stops_on=stops_on,
                next_starts_on=following[0].started_on if following else None,
            )


def billed_alike(one: PrepaidVersion, other: PrepaidVersion, /) -> bool:
    """Tell whether two versions bill the same terms to the same customer."""
    return all(
        of(one) == of(other)
        for of in (
            lambda version: version.customer_id,
            lambda version: version.price,
            lambda version: version.currency,
            lambda version: version.deliveries_per_term,
            lambda version: (
                MONTHS.get(version.billing_interval, 0) * version.billing_interval_count,
                DAYS.get(version.billing_interval, 0) * version.billing_interval_count,
            ),
        )
    )


def facts_of_stretch(*, stretch: Stretch, run: Run) -> Iterator[tuple[date, str, int]]:
    """Yield what happens on each day of a stretch up to as-of."""
    version, first_day = stretch.last.version, stretch.first.started_on
    number = 0
    while True:
        first = term_start(version=version, first_day=first_day, number=number)
        if first >= stretch.ends_on or first > run.as_of or not stretch.is_billed(day=first):
            return
        last = term_start(version=version, first_day=first_day, number=number + 1) - ONE_DAY
        rate = run.rate(currency=version.currency, day=first)
        billed = rounded(version.price * rate * 100)
        yield first, "billed", billed
        yield first, "terms", 1
        yield from facts_of_term(
            stretch=stretch, first=first, last=last, billed=billed, rate=rate, run=run
        )
        number += 1


def facts_of_term(
    *, stretch: Stretch, first: date, last: date, billed: int, rate: Fraction, run: Run
) -> Iterator[tuple[date, str, int]]:
    """Yield what each day of a term earns and delivers, and how it is settled."""
    version = stretch.last.version
    days = (last - first).days + 1
    deliveries = version.deliveries_per_term or 0
    due = Counter(k * days // deliveries for k in range(deliveries))
    earned = 0
    for number in range(days):
        day = first + ONE_DAY * number
        if day == stretch.ends_on:
            break
        if day > run.as_of:
            return
        so_far = rounded(Fraction(billed * (number + 1), days))
        yield day, "earned", so_far - earned
        yield day, "deliveries", due[number]
        earned = so_far
    else:
        return
    left = billed - earned
    if not (stretch.last.is_paid_back or stretch.is_replaced or version.status == "past_due"):
        yield day - ONE_DAY, "earned", left
        yield day - ONE_DAY, "breakage", left
        return
    if day > run.as_of:
        return
    back = left
    if version.credited_amount is not None:
        back = min(left, rounded(Fraction(abs(version.credited_amount)) * rate * 100))
    yield day, "refunded", back
    yield day, "earned", left - back
    yield day, "breakage", left - back


def deferred_facts(*, versions: Sequence[PrepaidVersion], run: Run) -> Facts:
    """Add up the days of all subscriptions by customer and month."""
    facts: Facts = Counter()
    for terms in accepted_terms(versions=versions, run=run).values():
        for stretch in stretches(terms=terms, run=run):
            customer_id = stretch.last.version.customer_id
            for day, kind, number in facts_of_stretch(stretch=stretch, run=run):
                facts[customer_id, day.replace(day=1), kind] += number
    return facts


def owed(*, facts: Facts) -> dict[date, int]:
    """Return what all customers together are owed at the end of each month that has a fact."""
    changes: dict[date, int] = defaultdict(int)
    for (_, month, kind), number in facts.items():
        sign = {"billed": 1, "earned": -1, "refunded": -1}.get(kind, 0)
        changes[month] += sign * number
    closing, total = {}, 0
    for month in sorted(changes):
        total += changes[month]
        closing[month] = total
    return closing
