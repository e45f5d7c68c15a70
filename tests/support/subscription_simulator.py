"""A second computation of recurring revenue, to compare the marts with.

Written from the definitions alone (models/metrics.md), as slow and as plain as a few thousand
customers allow: it walks through the days and asks on each what is paid at its end. The marts work
on intervals and in SQL, so the two share neither code nor method. Money is whole cents, a price
before it is rounded whole hundred-millionths, and neither ever is a floating-point number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

REPORTING_CURRENCY = "EUR"
ONE_DAY = timedelta(days=1)
PRICE_UNITS = 10**8
PRICE_UNITS_PER_CENT = 10**6
INTERVALS_PER_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "quarter": Fraction(1, 3),
    "year": Fraction(1, 12),
}
OVER = ("cancelled", "expired")
RELATIONSHIPS = ("orders", "subscription", "any")

Rates = Mapping[str, Sequence[tuple[date, Fraction]]]
"""Of each currency what one unit is worth in the reporting currency, by day, oldest first."""

Starts = Set[tuple[str, date]]
"""The customers, each with the days on which a state of theirs begins."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The vars that say what counts as paid."""

    churn_recognised_at: str = "paid_through"
    paused_counts_as: str = "churn"
    free_time_counts_as: str = "churn"
    renewal_grace_days: int = 1


@dataclass(frozen=True, kw_only=True)
class Run:
    """The days that are walked through, and what holds on all of them."""

    first_day: date
    as_of: date
    policy: Policy = field(default_factory=Policy)
    rates: Rates = field(default_factory=dict)
    activity_window_days: int = 60

    @cached_property
    def days(self) -> list[date]:
        """Every day from the first to the one whose end is shown."""
        return [self.first_day + ONE_DAY * n for n in range(self.index(day=self.as_of) + 1)]

    def index(self, *, day: date) -> int:
        """Return the place of a day in a list of all days."""
        return (day - self.first_day).days

    def rate(self, *, currency: str, day: date) -> Fraction | None:
        """Return the last rate on or before a day; None where none is known."""
        if currency == REPORTING_CURRENCY:
            return Fraction(1)
        known = [rate for since, rate in self.rates.get(currency, ()) if since <= day]
        return known[-1] if known else None


@dataclass(frozen=True, kw_only=True)
class Version:
    """A raw row of a subscription."""

    subscription_id: str
    customer_id: str
    started_at: datetime
    amount: Decimal
    plan_id: str | None = None
    quantity: Decimal = Decimal(1)
    discount_amount: Decimal = Decimal(0)
    currency: str = REPORTING_CURRENCY
    billing_interval: str = "month"
    billing_interval_count: int = 1
    status: str | None = None
    ended_at: datetime | None = None
    paid_through_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None
    signed_at: datetime | None = None
    trial_ends_at: datetime | None = None
    credited_amount: Decimal = Decimal(0)
    is_refunded: bool = False
    updated_at: datetime | None = None


COLUMNS = [column.name for column in fields(Version)]


def read_version(*, row: Mapping[str, str]) -> Version:
    """Read a row of subscriptions.csv; an empty value takes its default."""
    types = {"billing_interval_count": int, "amount": Decimal, "quantity": Decimal}
    types |= {"discount_amount": Decimal, "credited_amount": Decimal}
    types |= {"is_refunded": lambda text: text == "true"}
    types |= {name: datetime.fromisoformat for name in row if name.endswith("_at")}
    values = {name: types.get(name, str)(text) for name, text in row.items() if text}
    return Version(**{name: values[name] for name in COLUMNS if name in values})


@dataclass(frozen=True, kw_only=True)
class State:
    """What a subscription is from a day on, however its rows tell it."""

    version: Version
    started_on: date
    status: str | None
    ended: date | None
    paid_through: date | None
    requested: date | None
    is_cancelled: bool = False
    """A status says that it is over."""
    is_closed: bool = False
    """A row of its own says that the subscription is over."""
    is_ended_at_once: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """A version with what it is worth and when it stops by itself (None: it is open)."""

    version: Version
    started_on: date
    stops_on: date | None
    price: int
    """The price of a month in its own currency, in hundred-millionths."""
    mrr: int
    """The same in the reporting currency, in cents."""
    is_paid_back: bool = False
    """What was paid for and not used went back to the customer."""
    requested: date | None = None


def rounded(number: Fraction) -> int:
    """Round to a whole number, halves away from zero."""
    whole = int(abs(number) + Fraction(1, 2))
    return whole if number >= 0 else -whole


def monthly_price(*, version: Version, policy: Policy, is_of_payer: bool = False) -> int:
    """Return what a month costs, in hundred-millionths of the version's own currency.

    A payer goes on into free time: what the policy says of it is asked for nobody else.
    """
    if version.billing_interval == "lifetime":
        return 0
    is_free_time_kept = is_of_payer and policy.free_time_counts_as == "kept"
    if version.status == "trialing" and not is_free_time_kept:
        return 0
    if version.status == "paused" and policy.paused_counts_as == "churn":
        return 0
    per_interval = Fraction(version.amount) * Fraction(version.quantity)
    per_interval -= Fraction(version.discount_amount)
    per_month = per_interval * INTERVALS_PER_MONTH[version.billing_interval]
    return max(0, rounded(per_month / version.billing_interval_count * PRICE_UNITS))


def cents(*, price: int, rate: Fraction) -> int:
    """Convert a price to cents of the reporting currency; eight decimals first."""
    return rounded(Fraction(rounded(price * rate), PRICE_UNITS_PER_CENT))


def day_of(time: datetime | None, /) -> date | None:
    """Return the day of a time."""
    return time.date() if time else None


def states(*, versions: Sequence[Version]) -> Iterator[State]:
    """Yield the states that the rows of one subscription tell, the oldest first."""
    after = dict(pairwise(versions))
    for number, version in enumerate(versions):
        if number and says_it_is_over(version):
            continue
        started_on = version.started_at.date()
        state = State(
            version=version,
            started_on=started_on,
            status=version.status,
            ended=day_of(version.ended_at),
            paid_through=day_of(version.paid_through_at),
            requested=day_of(version.cancel_requested_at),
            is_cancelled=version.status in OVER,
        )
        following = after.get(version)
        if following and says_it_is_over(following):
            state = closed(state, by=following)
        trial_to = day_of(version.trial_ends_at)
        if version.status == "trialing" or not trial_to or trial_to <= started_on:
            yield state
            continue
        end = state.ended
        if not end and state.status in OVER:
            end = state.paid_through or state.requested
        if end and end <= trial_to:  # never paid
            yield replace(state, status="trialing")
            continue
        nothing = {"ended": None, "paid_through": None, "requested": None, "is_cancelled": False}
        yield replace(
            state,
            version=replace(version, credited_amount=Decimal(0), is_refunded=False),
            status="trialing",
            is_closed=False,
            is_ended_at_once=False,
            **nothing,
        )
        next_day = following and not state.is_closed and following.started_at.date()
        if not next_day or trial_to < next_day:
            yield replace(state, started_on=trial_to)


def says_it_is_over(version: Version, /) -> bool:
    """Tell whether a row has no day of its own, if it is not the first."""
    dates = (version.ended_at, version.paid_through_at, version.cancel_requested_at)
    started_on = version.started_at.date()
    return version.status in OVER and all(at.date() <= started_on for at in dates if at)


def closed(state: State, /, *, by: Version) -> State:
    """Return a state that the row after it ends; what it was stays."""
    day = by.started_at.date()
    at_once = not state.ended or state.ended > day
    is_paid = (state.status or "active") == "active"
    status = by.status if is_paid else state.status
    version = replace(
        state.version,
        is_refunded=state.version.is_refunded or by.is_refunded,
        credited_amount=by.credited_amount or state.version.credited_amount,
        cancel_reason=by.cancel_reason or state.version.cancel_reason,
    )
    return replace(
        state,
        version=version,
        status=status,
        ended=day if at_once else state.ended,
        requested=state.requested or day_of(by.cancel_requested_at),
        is_cancelled=True,
        is_closed=True,
        is_ended_at_once=at_once,
    )


def is_paid_back(*, state: State, begun: Starts) -> bool:
    """Tell whether what was paid for and not used went back to the customer."""
    ended, version = state.ended, state.version
    if version.is_refunded or version.credited_amount:
        return True
    if not ended or not state.paid_through or ended >= state.paid_through:
        return False
    is_followed = ended > state.started_on and (version.customer_id, ended) in begun
    return state.is_ended_at_once or is_followed


def own_stop(*, state: State, following: State | None, begun: Starts, run: Run) -> date | None:
    """Return the first day a state no longer pays for by its own dates; None while it is open."""
    policy = run.policy.churn_recognised_at
    ended, paid_through, requested = state.ended, state.paid_through, state.requested
    last = max((day for day in (ended, paid_through) if day), default=None)
    if ended and (state.is_ended_at_once or is_paid_back(state=state, begun=begun)):
        last = ended
    asked = requested
    if following and not state.is_closed:
        goes_on = following.started_on <= (ended or paid_through or date.max)
        asks_no_more = not following.requested or following.requested > following.started_on
        if goes_on and asks_no_more:
            asked = None
    is_over = state.is_cancelled or (ended is not None and ended <= run.as_of)
    if not is_over and not (policy == "requested" and asked):
        return None
    preferred = {
        "paid_through": (last, requested),
        "cancelled": (ended, paid_through, requested),
        "requested": (asked, ended, paid_through, following and following.started_on),
    }[policy]
    return max(next(day for day in preferred if day), state.started_on)


def accepted_terms(*, versions: Iterable[Version], run: Run) -> dict[str, list[Term]]:
    """Return the terms of each subscription in the order of their start.

    Left out is a row that is rejected (over without a date, and the first of its subscription;
    ended before its first day; no exchange rate), held back (it is signed, or starts, after as-of)
    or superseded by a newer one of the same key.
    """
    versions = list(versions)
    first: dict[str, datetime] = {}
    for version in versions:
        known = first.get(version.subscription_id, version.started_at)
        first[version.subscription_id] = min(known, version.started_at)
    newest: dict[tuple[str, datetime], Version] = {}
    for version in versions:
        dates = (version.ended_at, version.paid_through_at, version.cancel_requested_at)
        is_first = version.started_at == first[version.subscription_id]
        if version.status in OVER and not any(dates) and is_first:
            continue
        started_on = version.started_at.date()
        if version.ended_at and version.ended_at.date() < started_on:
            continue
        known_on = min(started_on, day_of(version.signed_at) or started_on)
        if known_on > run.as_of or not run.rate(currency=version.currency, day=known_on):
            continue
        key = (version.subscription_id, version.started_at)
        if key not in newest or newest[key].updated_at < version.updated_at:
            newest[key] = version

    rows = defaultdict(list)
    for subscription_id, started_at in sorted(newest):
        rows[subscription_id].append(newest[subscription_id, started_at])
    told = {name: list(states(versions=versions)) for name, versions in rows.items()}
    begun = {(each.version.customer_id, each.started_on) for one in told.values() for each in one}
    return {
        name: list(valued_terms(states=story, begun=begun, run=run)) for name, story in told.items()
    }


def valued_terms(*, states: Sequence[State], begun: Starts, run: Run) -> Iterator[Term]:
    """Yield the terms of a subscription that have begun."""
    has_paid, runs_to = False, None
    for state, following in zip(states, [*states[1:], None], strict=True):
        stop = own_stop(state=state, following=following, begun=begun, run=run)
        goes_on = runs_to is None or runs_to >= state.started_on
        price = monthly_price(
            version=replace(state.version, status=state.status),
            policy=run.policy,
            is_of_payer=has_paid and goes_on,
        )
        has_paid = has_paid or (state.status != "trialing" and state.version.amount > 0)
        runs_to = stop
        if state.started_on <= run.as_of:
            rate = run.rate(currency=state.version.currency, day=state.started_on)
            yield Term(
                version=replace(state.version, status=state.status),
                started_on=state.started_on,
                stops_on=stop,
                price=price,
                mrr=cents(price=price, rate=rate),
                is_paid_back=is_paid_back(state=state, begun=begun),
                requested=state.requested,
            )


def held_terms(*, terms: Sequence[Term], run: Run) -> list[Term | None]:
    """Return for each day the term of one subscription that is in force at its end, if any is."""
    held = []
    for day in run.days:
        begun = [term for term in terms if term.started_on <= day]
        current = begun[-1] if begun else None  # the later one of the same day wins it
        has_stopped = current and current.stops_on and current.stops_on <= day
        held.append(None if has_stopped else current)
    return held


def paying_terms(*, terms: Sequence[Term], run: Run) -> list[Term | None]:
    """Return for each day the term of one subscription that pays at its end, if any does."""
    held = held_terms(terms=terms, run=run)
    return [term if term and term.mrr > 0 else None for term in held]


def with_gaps_filled(
    *, days: Sequence[T], grace_days: int, goes_on: Callable[[T, T], bool]
) -> list[T]:
    """Fill each short gap between two paid days with what was before it, if that then goes on."""
    filled = list(days)
    last_paid = None
    for index, value in enumerate(days):
        if not value:
            continue
        if last_paid is not None:
            gap = range(last_paid + 1, index)
            if len(gap) <= grace_days and goes_on(days[last_paid], value):
                for missing in gap:
                    filled[missing] = days[last_paid]
        last_paid = index
    return filled


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A change of what a customer pays, in cents; the mart's row."""

    moved_on: date
    movement: str
    before: int
    change: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Spell:
    """An unbroken stretch of activity; the mart's row."""

    relationship: str
    spell_number: int
    started_on: date
    ended_on: date | None
    lapses_on: date | None


@dataclass(frozen=True, kw_only=True)
class History:
    """A customer, day by day."""

    customer_id: str
    mrr: list[int]
    movements: list[Movement]
    active: dict[str, list[bool]]
    """Of each relationship whether it lasts at the end of the day."""
    spells: list[Spell]
    paid: list[list[Term | None]]
    """Of each subscription the term that is paid for at the end of the day, short gaps filled."""
    held: list[list[Term | None]]
    """Of each subscription the term in force at the end of the day, paid for or not."""


def simulate(
    *, versions: Iterable[Version], purchases: Mapping[str, Sequence[date]], run: Run
) -> dict[str, History]:
    """Walk every customer through all days."""
    grace_days = run.policy.renewal_grace_days
    subscriptions = defaultdict(list)
    subscriptions_held = defaultdict(list)
    for terms in accepted_terms(versions=versions, run=run).values():
        held = held_terms(terms=terms, run=run)
        filled = with_gaps_filled(
            days=paying_terms(terms=terms, run=run),
            grace_days=grace_days,
            goes_on=lambda before, after: before.version.customer_id == after.version.customer_id,
        )
        for owner in {term.version.customer_id for term in terms}:
            for days, lives in ((filled, subscriptions), (held, subscriptions_held)):
                lives[owner].append(
                    [term if term and term.version.customer_id == owner else None for term in days]
                )

    histories = {}
    for customer_id in sorted(subscriptions.keys() | purchases.keys()):
        own = subscriptions[customer_id]
        paid = [sum(terms[n].mrr for terms in own if terms[n]) for n in range(len(run.days))]
        mrr = with_gaps_filled(days=paid, grace_days=grace_days, goes_on=lambda before, after: True)
        bought = purchases.get(customer_id, ())
        window = ONE_DAY * run.activity_window_days
        active = {
            "orders": [any(day <= today < day + window for day in bought) for today in run.days],
            "subscription": [amount > 0 for amount in mrr],
        }
        active["any"] = [a or b for a, b in zip(*active.values(), strict=True)]
        # what each activity of the last day is known to last until; None: it is open
        lasts = {
            "orders": [day + window for day in bought if day <= run.as_of < day + window],
            "subscription": [terms[-1].stops_on for terms in own if terms[-1]],
        }
        lasts["any"] = lasts["orders"] + lasts["subscription"]
        histories[customer_id] = History(
            customer_id=customer_id,
            mrr=mrr,
            movements=list(movements(mrr=mrr, fx=exchange_effects(own=own, run=run), run=run)),
            active=active,
            spells=[
                spell
                for relationship in RELATIONSHIPS
                for spell in spells(
                    relationship=relationship,
                    active=active[relationship],
                    lasts=lasts[relationship],
                    run=run,
                )
            ],
            paid=own,
            held=subscriptions_held[customer_id],
        )
    return histories


def exchange_effects(*, own: Sequence[Sequence[Term | None]], run: Run) -> list[int]:
    """Return for each day what the rates changed where one term follows another, in cents."""
    effects = [0] * len(run.days)
    for terms in own:
        for index in range(1, len(run.days)):
            before, after = terms[index - 1], terms[index]
            if before and after and before is not after:
                rate = run.rate(currency=before.version.currency, day=run.days[index])
                effects[index] += cents(price=before.price, rate=rate) - before.mrr
    return effects


def movements(*, mrr: Sequence[int], fx: Sequence[int], run: Run) -> Iterator[Movement]:
    """Yield the movements of a customer; the exchange rate's comes first on its day."""
    has_paid = False
    paid = 0
    for day, effect, pays in zip(run.days, fx, mrr, strict=True):
        revalued = paid + effect
        if not has_paid:
            movement = "new"
        elif paid == 0:
            movement = "reactivation"
        elif pays == 0:
            movement = "churn"
        else:
            movement = "expansion" if pays > revalued else "contraction"
        for name, before, after in (("fx", paid, revalued), (movement, revalued, pays)):
            if before != after:
                yield Movement(
                    moved_on=day, movement=name, before=before, change=after - before, after=after
                )
        has_paid = has_paid or pays > 0
        paid = pays


def spells(
    *, relationship: str, active: Sequence[bool], lasts: Sequence[date | None], run: Run
) -> Iterator[Spell]:
    """Yield the spells of a customer, each from its first day to the first day without."""
    started_on = None
    number = 0
    for day, is_active in zip([*run.days, None], [*active, False], strict=True):
        if is_active and not started_on:
            started_on = day
            number += 1
        elif started_on and not is_active:
            is_running = day is None
            yield Spell(
                relationship=relationship,
                spell_number=number,
                started_on=started_on,
                ended_on=day,
                lapses_on=max(lasts) if is_running and all(lasts) else None,
            )
            started_on = None
