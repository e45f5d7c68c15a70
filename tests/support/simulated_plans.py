"""What the simulated customers pay for each plan, try, and fail to pay, day by day.

Like the simulator it walks through the days and shares neither code nor method with the marts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from simulated_periods import Period
from subscription_simulator import (
    History,
    Run,
    Term,
    cents,
    rounded,
    with_gaps_filled,
)

Plan = tuple[str, str, str]
"""Plan, billing term and currency."""


@dataclass(frozen=True, kw_only=True)
class PlanMovement:
    """A change of what a customer pays for a plan, in cents; the mart's row."""

    moved_on: date
    movement: str
    plan: Plan
    change: int


def plan_of(term: Term, /) -> Plan:
    """Name the plan of a term."""
    version = term.version
    count, interval = version.billing_interval_count, version.billing_interval
    billing_term = interval if count == 1 else f"{count} {interval}s"
    return version.plan_id or "unknown", billing_term, version.currency


def first_plan(*, history: History) -> str:
    """Name the plan that a customer paid for first, of several the one with the most MRR."""
    for terms in zip(*history.paid, strict=True):
        paid = [term for term in terms if term]
        if paid:
            first = min(paid, key=lambda term: (-term.mrr, term.version.subscription_id))
            return first.version.plan_id or "unknown"
    return "none"


def paid_by_plan(*, history: History, run: Run) -> list[Counter[Plan]]:
    """Return for each day what is paid for each plan, in cents, all short gaps filled."""
    days: list[Counter[Plan]] = []
    terms_before: list[Term | None] | None = None
    for index in range(len(run.days)):
        terms = [subscription[index] for subscription in history.paid]
        if terms != terms_before:
            paid = Counter[Plan]()
            for term in filter(None, terms):
                paid[plan_of(term)] += term.mrr
        days.append(paid)
        terms_before = terms
    return with_gaps_filled(
        days=days, grace_days=run.policy.renewal_grace_days, goes_on=lambda before, after: True
    )


def effects_by_plan(*, history: History, index: int, run: Run) -> Counter[Plan]:
    """Return what the exchange rates changed on a day, in cents, by the plan of the day before."""
    effects = Counter[Plan]()
    for terms in history.paid:
        before, after = terms[index - 1], terms[index]
        if before and after and before is not after:
            rate = run.rate(currency=before.version.currency, day=run.days[index])
            effects[plan_of(before)] += cents(price=before.price, rate=rate) - before.mrr
    return effects


def shares(*, amounts: dict[Plan, int], moved: int) -> dict[Plan, int]:
    """Cut what has moved into whole cents, in the order of the plans, from the running total."""
    total, so_far, cut = sum(amounts.values()), 0, 0
    parts = {}
    for plan in sorted(amounts):
        so_far += amounts[plan]
        whole = rounded(Fraction(moved * so_far, total))
        parts[plan] = whole - cut
        cut = whole
    return parts


def plan_movements(
    *, history: History, days: Sequence[Counter[Plan]], run: Run
) -> Iterator[PlanMovement]:
    """Yield the movements of a customer's plans."""
    own = {row.moved_on: row.movement for row in history.movements if row.movement != "fx"}
    for index, day in enumerate(run.days):
        before = days[index - 1] if index else Counter[Plan]()
        if before is days[index]:
            continue
        effects = effects_by_plan(history=history, index=index, run=run) if index else Counter()
        changes = {
            plan: days[index][plan] - before[plan] - effects[plan]
            for plan in {*before, *days[index], *effects}
        }
        gains = {plan: change for plan, change in changes.items() if change > 0}
        losses = {plan: -change for plan, change in changes.items() if change < 0}
        moved = min(sum(gains.values()), sum(losses.values()))
        rows = [("fx", plan, effect) for plan, effect in effects.items()]
        for sign, side, name in ((1, gains, "plan_in"), (-1, losses, "plan_out")):
            parts = shares(amounts=side, moved=moved)
            rows += [(name, plan, sign * part) for plan, part in parts.items()]
            rows += [
                (own[day], plan, sign * (amount - parts[plan]))
                for plan, amount in side.items()
                if amount != parts[plan]
            ]
        for movement, plan, change in rows:
            if change:
                yield PlanMovement(moved_on=day, movement=movement, plan=plan, change=change)


def plan_sums(
    *,
    movements: Sequence[PlanMovement],
    days: Sequence[Counter[Plan]],
    period: Period,
    run: Run,
) -> dict[Plan, Counter[str]]:
    """Return what a customer adds to each plan in a period."""
    first, last = run.index(day=period.starts_on), run.index(day=period.closes_on)
    sums: dict[Plan, Counter[str]] = {}
    for row in movements:
        if period.starts_on <= row.moved_on <= period.closes_on:
            sums.setdefault(row.plan, Counter())[f"{row.movement}_mrr_amount"] += row.change
    for plan, amount in (days[first - 1] if first > 0 else {}).items():
        sums.setdefault(plan, Counter())["opening_mrr_amount"] += amount
    for plan, amount in days[last].items():
        sums.setdefault(plan, Counter())["closing_mrr_amount"] += amount
        sums[plan]["paying_customers"] += amount > 0
    return sums


def subscription_counts(*, history: History, period: Period, run: Run) -> Counter[str]:
    """Return how many subscriptions of a customer are paid for, start and are lost in a period."""
    counts = Counter[str]()
    first, last = run.index(day=period.starts_on), run.index(day=period.closes_on)
    for terms in history.paid:
        paid = [term is not None for term in terms]
        counts["opening_subscriptions"] += first > 0 and paid[first - 1]
        counts["closing_subscriptions"] += paid[last]
        for index in range(max(first, 0), last + 1):
            before = index > 0 and paid[index - 1]
            counts["started_subscriptions"] += paid[index] and not before
            counts["lost_subscriptions"] += before and not paid[index]
    return counts


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A trial, or a time past due, and what became of it."""

    began_on: date
    outcome: str
    days: int | None
    """Days from the begin to the payment, or to the loss; None while it is open."""
    term: Term
    """The term that it began with."""


def stretches(
    *,
    terms: Sequence[Term | None],
    is_inside: Callable[[Term | None], bool],
    is_answer: Callable[[Term | None], bool],
    outcomes: tuple[str, str],
    run: Run,
) -> Iterator[Stretch]:
    """Yield the stretches of days inside; a short gap of days that do not matter is one of them."""

    def matters(term: Term | None) -> bool:
        return is_inside(term) or is_answer(term)

    grace = run.policy.renewal_grace_days
    index = 0
    while index < len(terms):
        if not is_inside(terms[index]):
            index += 1
            continue
        begin = end = index
        while end < len(terms) and is_inside(terms[end]):
            end += 1
            gap = 0
            while end + gap < len(terms) and gap < grace and not matters(terms[end + gap]):
                gap += 1
            if end + gap < len(terms) and is_inside(terms[end + gap]):
                end += gap
        answered = None
        for day in range(end, min(end + grace + 1, len(terms))):
            if is_inside(terms[day]):
                break
            if is_answer(terms[day]):
                answered = day
                break
        is_over = len(terms) - 1 - end >= grace
        outcome = outcomes[0] if answered is not None else outcomes[1] if is_over else "open"
        decided = answered if answered is not None else end if is_over else None
        yield Stretch(
            began_on=run.days[begin],
            outcome=outcome,
            days=None if decided is None else decided - begin,
            term=terms[begin],
        )
        index = end


def has_status(term: Term | None, *statuses: str) -> bool:
    """Tell whether a term has one of some states."""
    return term is not None and term.version.status in statuses


def trials(*, history: History, run: Run) -> Iterator[Stretch]:
    """Yield the trials of a customer."""
    for terms in history.held:
        yield from stretches(
            terms=terms,
            is_inside=lambda term: has_status(term, "trialing"),
            is_answer=lambda term: term is not None and term.mrr > 0,
            outcomes=("converted", "lost"),
            run=run,
        )


def episodes(*, history: History, run: Run) -> Iterator[Stretch]:
    """Yield the times that a customer was past due."""
    for terms in history.held:
        yield from stretches(
            terms=terms,
            is_inside=lambda term: has_status(term, "past_due") and term.mrr > 0,
            is_answer=lambda term: (
                term is not None and term.mrr > 0 and not has_status(term, "past_due", "paused")
            ),
            outcomes=("recovered", "lost"),
            run=run,
        )
