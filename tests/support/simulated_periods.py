"""What the simulated customers add up to in a period of each grain."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from subscription_simulator import ONE_DAY, History, Run

MONTHS_OF_GRAIN = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, kw_only=True)
class Period:
    """A period, and its last day, which as-of may have cut short."""

    grain: str
    starts_on: date
    closes_on: date
    is_complete: bool


def months_later(day: date, months: int, /) -> date:
    """Return the first day of the month that lies `months` after that of a day."""
    in_months = day.year * 12 + day.month - 1 + months
    return date(in_months // 12, in_months % 12 + 1, 1)


def spans(*, run: Run, with_weeks: bool) -> Iterator[tuple[str, date, date]]:
    """Yield grain, first day, and the day after the last one, of more than enough periods."""
    january = date(run.first_day.year, 1, 1)
    for grain, months in MONTHS_OF_GRAIN.items():
        starts_on = january
        while starts_on <= run.as_of:
            yield grain, starts_on, months_later(starts_on, months)
            starts_on = months_later(starts_on, months)
    ends_with = january
    while ends_with <= run.as_of:
        yield "trailing_12_months", months_later(ends_with, -11), months_later(ends_with, 1)
        ends_with = months_later(ends_with, 1)
    monday = run.first_day - run.first_day.weekday() * ONE_DAY
    while with_weeks and monday <= run.as_of:
        yield "week", monday, monday + timedelta(weeks=1)
        monday += timedelta(weeks=1)


def periods(*, run: Run, with_weeks: bool = False) -> Iterator[Period]:
    """Yield every period with a day that is walked through."""
    for grain, starts_on, next_starts_on in spans(run=run, with_weeks=with_weeks):
        last_day = next_starts_on - ONE_DAY
        if last_day >= run.first_day:
            yield Period(
                grain=grain,
                starts_on=starts_on,
                closes_on=min(last_day, run.as_of),
                is_complete=last_day <= run.as_of,
            )


def retention_counts(*, history: History, relationship: str, period: Period, run: Run) -> Counter:
    """Return what a customer adds to the counts of a period (metrics, section 2)."""
    active = history.active[relationship]
    first, last = run.index(day=period.starts_on), run.index(day=period.closes_on)
    opening = first > 0 and active[first - 1]
    closing = active[last]
    had_spell = any(active[: max(first, 0)])
    was_active = any(active[max(first, 0) : last + 1])
    churn_events = sum(
        spell.relationship == relationship
        and spell.ended_on is not None
        and period.starts_on <= spell.ended_on <= period.closes_on
        for spell in history.spells
    )
    return +Counter(
        opening_customers=int(opening),
        closing_customers=int(closing),
        lost_customers=int(opening and not closing),
        lost_and_returned_customers=int(opening and closing and churn_events > 0),
        new_customers=int(closing and not had_spell),
        reactivated_customers=int(closing and had_spell and not opening),
        new_and_lost_customers=int(was_active and not closing and not had_spell),
        reactivated_and_lost_customers=int(
            was_active and not closing and had_spell and not opening
        ),
        active_in_period_customers=int(opening or was_active),
        churn_events=churn_events,
    )


def mrr_sums(*, history: History, period: Period, run: Run) -> dict[str, int]:
    """Return what a customer adds to the amounts of a period, in cents, and to its payers."""
    first, last = run.index(day=period.starts_on), run.index(day=period.closes_on)
    opening = history.mrr[first - 1] if first > 0 else 0
    closing = history.mrr[last]
    moved = Counter()
    for movement in history.movements:
        if period.starts_on <= movement.moved_on <= period.closes_on:
            moved[movement.movement] += movement.change
    # who has left is lost, whatever the rate did before
    retained = max(closing - moved["fx"], 0) if opening > 0 and closing > 0 else 0
    kinds = ("new", "expansion", "contraction", "churn", "reactivation", "fx")
    return {
        "opening_mrr_amount": opening,
        **{f"{kind}_mrr_amount": moved[kind] for kind in kinds},
        "closing_mrr_amount": closing,
        "paying_customers": int(closing > 0),
        "gross_retained_mrr_amount": min(retained, opening),
        "net_retained_mrr_amount": retained,
    }
