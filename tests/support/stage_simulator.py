"""A second computation of lifecycle stages, to compare the mart with.

Written from the definitions alone (models/metrics.md): it walks through the days of a customer and
asks at the end of each which stage comes first. Money is whole cents and no number is ever a
floating-point one, so a threshold that is met exactly is met here.
"""

import calendar
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from itertools import pairwise
from math import ceil
from statistics import median

from subscription_simulator import ONE_DAY, Run

NEW_DAYS = 90
NURTURED_DAYS = 90
NURTURED_ENGAGEMENTS = 3
ENGAGEMENTS = {
    "site_visit",
    "portal_login",
    "tool_use",
    "download",
    "form_submitted",
    "loyalty_redeemed",
}
EXIT_SURVEY_DAYS = 90
NPS_MONTHS = 12
ADVOCATE_PURCHASES = 3
ADVOCATE_PAID_DAYS = 365
TREND_DAYS = 180
TREND_FROM_DAYS = 360
FEWEST_QUIET_DAYS = 14
CHURNED = ("churned_natural", "churned_preventable", "churned_unknown")
STAGES = (
    *CHURNED,
    *("at_risk", "won_back", "new", "advocate", "declining", "growing", "established"),
    *("nurtured", "captured", "aware"),
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer to a survey."""

    response_id: str
    survey_type: str
    responded_at: datetime
    score: int | None = None
    reason_code: str | None = None
    switched_to_competitor: bool | None = None

    @property
    def answered_on(self) -> date:
        """The day it was given."""
        return self.responded_at.date()


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A version of a subscription and the days on which it is in force."""

    subscription_id: str
    started_on: date
    stopped_on: date | None
    mrr: int
    status: str | None = None
    cancel_requested_on: date | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known of a customer, each fact on its day; nothing is later than as-of."""

    customer_id: str
    known_since: date
    email_since: date | None = None
    window_days: int = 60
    purchases: Sequence[date] = ()
    """The day of each purchase; two purchases of a day are two."""
    revenue: Sequence[tuple[date, int]] = ()
    """What orders, returns and refunds brought on a day, in cents."""
    events: Sequence[tuple[date, str]] = ()
    answers: Sequence[Answer] = ()
    contracts: Sequence[Contract] = ()
    mrr: Sequence[int] = ()
    """What recurs at the end of each day, in cents; empty: nothing ever."""


@dataclass(frozen=True, kw_only=True)
class Stay:
    """An unbroken stretch of days in a stage; the mart's row."""

    stage: str
    entered_on: date
    left_on: date | None


@dataclass(kw_only=True)
class Lifecycle:
    """A customer day by day: the stage, and what led to it."""

    facts: Facts
    stages: list[str | None]
    """None before the customer is known."""
    risks: list[list[str]]
    values: list[int]
    stays: list[Stay] = field(default_factory=list)


def months_later(*, day: date, months: int) -> date:
    """Return the same day of a later month; its last day, if it has no such day."""
    in_months = day.year * 12 + day.month - 1 + months
    year, month = in_months // 12, in_months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def activity(*, facts: Facts, run: Run) -> list[bool]:
    """Return for each day whether a purchase or what recurs keeps the customer active."""
    active = [paid > 0 for paid in mrr_by_day(facts=facts, run=run)]
    for day in facts.purchases:
        first = run.index(day=day)
        for index in range(first, min(first + facts.window_days, len(active))):
            active[index] = True
    return active


def mrr_by_day(*, facts: Facts, run: Run) -> Sequence[int]:
    """Return what recurs at the end of each day, in cents."""
    return facts.mrr or [0] * len(run.days)


def half_year_values(*, facts: Facts, run: Run) -> list[int]:
    """Return for each day the orders' revenue of the half year to it and six months' MRR."""
    by_day = [0] * len(run.days)
    for day, amount in facts.revenue:
        by_day[run.index(day=day)] += amount
    return [
        sum(by_day[max(0, index + 1 - TREND_DAYS) : index + 1]) + 6 * paid
        for index, paid in enumerate(mrr_by_day(facts=facts, run=run))
    ]


def trend(
    *,
    values: Sequence[int],
    starts: int | None,
    turns_on: Callable[[int, int], bool],
    turns_off: Callable[[int, int], bool],
) -> list[bool]:
    """Return for each day whether a trend lasts: between its two thresholds it goes on as it was.

    Nothing is compared before the day at the place `starts`; None: never.
    """
    lasts = [False] * len(values)
    if starts is None:
        return lasts
    for index in range(starts, len(values)):
        before, now = values[index - TREND_DAYS], values[index]
        if before > 0 and turns_on(before, now):
            lasts[index] = True
        elif before > 0 and not turns_off(before, now):
            lasts[index] = lasts[index - 1]
    return lasts


def declines(*, values: Sequence[int], starts: int | None) -> list[bool]:
    """Return for each day whether the customer's value is declining."""
    return trend(
        values=values,
        starts=starts,
        turns_on=lambda before, now: 10 * now <= 8 * before,
        turns_off=lambda before, now: 10 * now > 9 * before,
    )


def grows(*, values: Sequence[int], starts: int | None) -> list[bool]:
    """Return for each day whether the customer's value is growing."""
    return trend(
        values=values,
        starts=starts,
        turns_on=lambda before, now: 10 * now >= 12 * before,
        turns_off=lambda before, now: 10 * now < 11 * before,
    )


def quiet_days(*, purchases: Sequence[date], window_days: int) -> Fraction:
    """Return how long a customer with these purchases may stay away without being at risk."""
    days = sorted(set(purchases))
    gaps = [Fraction((after - before).days) for before, after in pairwise(days)]
    if len(gaps) < 2:
        return Fraction(window_days, 2)
    rhythm = 2 * median(gaps)
    return min(max(rhythm, FEWEST_QUIET_DAYS), Fraction(3 * window_days, 4))


def quiet_since(*, facts: Facts, run: Run) -> list[date | None]:
    """Return for each day from when on the customer has been away for too long."""
    since: list[date | None] = [None] * len(run.days)
    for last in sorted(set(facts.purchases)):
        known = [day for day in facts.purchases if day <= last]
        wait = ceil(quiet_days(purchases=known, window_days=facts.window_days))
        for index in range(run.index(day=last), len(since)):
            since[index] = last + ONE_DAY * wait
    return since


def latest_score(*, facts: Facts, run: Run) -> list[int | None]:
    """Return for each day the last answer to "would you recommend us", while it is not old."""
    scores: list[int | None] = [None] * len(run.days)
    answers = [
        answer
        for answer in facts.answers
        if answer.survey_type == "nps" and answer.score is not None
    ]
    for answer in sorted(answers, key=lambda answer: (answer.responded_at, answer.response_id)):
        grows_old_on = months_later(day=answer.answered_on, months=NPS_MONTHS)
        for index in range(run.index(day=answer.answered_on), len(scores)):
            # the answer before no longer speaks, even where this one is old
            scores[index] = answer.score if run.days[index] < grows_old_on else None
    return scores


def risks_of_contracts(*, facts: Facts, run: Run) -> list[list[str]]:
    """Return for each day what is wrong with a version in force."""
    risks: list[list[str]] = [[] for _ in run.days]
    for contract in facts.contracts:
        first = run.index(day=contract.started_on)
        stop = run.index(day=contract.stopped_on) if contract.stopped_on else len(risks)
        for index in range(first, min(stop, len(risks))):
            requested_on = contract.cancel_requested_on
            if contract.status == "past_due":
                risks[index].append("past_due")
            if requested_on and requested_on <= run.days[index]:
                risks[index].append("cancel_requested")
    return risks


def normal(text: str | None, /) -> str | None:
    """Return a reason as reasons are compared; nothing, if it says nothing."""
    return (text or "").strip().lower() or None


def exit_answer(*, facts: Facts, ended_on: date, day: date) -> Answer | None:
    """Return the answer that says on a day why the customer left: the nearest."""
    answers = [
        answer
        for answer in facts.answers
        if answer.survey_type == "exit"
        and answer.answered_on <= day
        and abs((answer.answered_on - ended_on).days) <= EXIT_SURVEY_DAYS
        and (normal(answer.reason_code) or answer.switched_to_competitor is not None)
    ]
    return min(
        answers,
        key=lambda answer: (
            abs((answer.answered_on - ended_on).days),
            -answer.answered_on.toordinal(),
            answer.response_id,
        ),
        default=None,
    )


def contract_reason(*, facts: Facts, ended_on: date) -> str | None:
    """Return what the contract that ended on a day says about why."""
    ended = [
        contract
        for contract in facts.contracts
        if contract.mrr > 0 and contract.started_on < ended_on == contract.stopped_on
    ]

    def says_least(contract: Contract) -> tuple[bool, int, str]:
        says_nothing = normal(contract.cancel_reason) in (None, "unknown")
        return says_nothing, -contract.mrr, contract.subscription_id

    return normal(min(ended, key=says_least).cancel_reason) if ended else None


def churned_stage(*, facts: Facts, ended_on: date, day: date, exit_types: Mapping[str, str]) -> str:
    """Return the stage of a customer who has left, as far as is known on a day."""
    answer = exit_answer(facts=facts, ended_on=ended_on, day=day)
    reason = normal(answer.reason_code) if answer else None
    reason = reason or contract_reason(facts=facts, ended_on=ended_on) or "unknown"
    return f"churned_{exit_types.get(reason, 'unknown')}"


def walk(*, facts: Facts, run: Run, exit_types: Mapping[str, str]) -> Lifecycle:
    """Walk a customer through all days; `exit_types` says which reasons could be prevented."""
    active = activity(facts=facts, run=run)
    mrr = mrr_by_day(facts=facts, run=run)
    starts = active.index(True) if True in active else None
    values = half_year_values(facts=facts, run=run)
    trends_from = None if starts is None else starts + TREND_FROM_DAYS
    declining = declines(values=values, starts=trends_from)
    growing = grows(values=values, starts=trends_from)
    scores = latest_score(facts=facts, run=run)
    gone_quiet_on = quiet_since(facts=facts, run=run)
    risks = risks_of_contracts(facts=facts, run=run)
    formed_on = min((day for day, kind in facts.events if kind == "form_submitted"), default=None)
    captured_on = min((day for day in (formed_on, facts.email_since) if day), default=None)
    engagements = [day for day, kind in facts.events if kind in ENGAGEMENTS]

    stages: list[str | None] = []
    spells = paid_days = 0
    for index, day in enumerate(run.days):
        paid_days += mrr[index] > 0
        was_active = index > 0 and active[index - 1]
        if active[index] and not was_active:
            spells += 1
            spell_started_on = day
        if was_active and not active[index]:
            ended_on = day
        if mrr[index] == 0 and gone_quiet_on[index] and gone_quiet_on[index] <= day:
            risks[index].append("quiet")
        score = scores[index]
        if score is not None and score <= 6:
            risks[index].append("detractor")
        if not active[index]:
            risks[index] = []

        if day < facts.known_since:
            stage = None
        elif spells and not active[index]:
            stage = churned_stage(facts=facts, ended_on=ended_on, day=day, exit_types=exit_types)
        elif spells:
            bought = sum(purchase <= day for purchase in facts.purchases)
            is_loyal = bought >= ADVOCATE_PURCHASES or paid_days >= ADVOCATE_PAID_DAYS
            if risks[index]:
                stage = "at_risk"
            elif day < spell_started_on + ONE_DAY * NEW_DAYS:
                stage = "won_back" if spells > 1 else "new"
            elif score is not None and score >= 9 and is_loyal:
                stage = "advocate"
            elif declining[index]:
                stage = "declining"
            else:
                stage = "growing" if growing[index] else "established"
        else:
            recent = sum(day - ONE_DAY * NURTURED_DAYS < event <= day for event in engagements)
            if recent >= NURTURED_ENGAGEMENTS:
                stage = "nurtured"
            else:
                stage = "captured" if captured_on and captured_on <= day else "aware"
        stages.append(stage)
    lifecycle = Lifecycle(facts=facts, stages=stages, risks=risks, values=values)
    lifecycle.stays.extend(stays(stages=stages, run=run))
    return lifecycle


def stays(*, stages: Sequence[str | None], run: Run) -> Iterator[Stay]:
    """Yield the stays of a customer, each from its first day to the first day of the next."""
    changes = [
        (day, stage)
        for day, before, stage in zip(run.days, [None, *stages], stages, strict=False)
        if stage != before
    ]
    ends = [day for day, _ in changes[1:]]
    for (entered_on, stage), left_on in zip(changes, [*ends, None], strict=True):
        if stage:
            yield Stay(stage=stage, entered_on=entered_on, left_on=left_on)
