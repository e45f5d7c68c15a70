"""What occurs in the lives of simulated customers, so that no test passes for want of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise

from stage_facts import exit_types
from stage_simulator import (
    ADVOCATE_PURCHASES,
    CHURNED,
    ENGAGEMENTS,
    FEWEST_QUIET_DAYS,
    NURTURED_DAYS,
    STAGES,
    TREND_DAYS,
    TREND_FROM_DAYS,
    Facts,
    Lifecycle,
    contract_reason,
    exit_answer,
    months_later,
    normal,
    quiet_days,
)
from subscription_simulator import ONE_DAY, Run


def situations_of_arrival(lifecycle: Lifecycle, index: int, day: date, /) -> Iterator[str]:
    """Yield what is special about a change of stage."""
    facts = lifecycle.facts
    before, stage = lifecycle.stages[index - 1], lifecycle.stages[index]
    yield f"{before} to {stage}"
    if stage == "at_risk":
        yield f"at risk: {' and '.join(sorted(set(lifecycle.risks[index])))}"
        if lifecycle.risks[index] == ["quiet"]:
            yield f"quiet {rhythm_kind(facts, day)}"
    if stage == "nurtured":
        engaged = [event for event, kind in facts.events if kind in ENGAGEMENTS and event <= day]
        recent = [event for event in engaged if event > day - ONE_DAY * NURTURED_DAYS]
        yield f"nurtured by {len(recent)}"
        if min(recent) == day - ONE_DAY * (NURTURED_DAYS - 1):
            yield "nurtured by one of 89 days ago"
    if stage == "captured" and before == "aware":
        has_formed = (day, "form_submitted") in facts.events
        yield "captured by a form" if has_formed else "captured by an email"
    if stage == "advocate":
        bought = sum(purchase <= day for purchase in facts.purchases)
        yield "advocate by purchases" if bought >= ADVOCATE_PURCHASES else "advocate by a paid year"
    if before == "nurtured" and stage != "nurtured":
        yield "nurtured no more"
    answers = {answer.answered_on for answer in facts.answers if answer.survey_type == "nps"}
    if any(months_later(day=answered_on, months=12) == day for answered_on in answers):
        yield f"{before} until the answer is old"
        if date(2024, 2, 29) in answers and day == date(2025, 2, 28):
            yield "the answer of a leap day is old"
    if stage in CHURNED and before in CHURNED:
        yield "answered after leaving"


def rhythm_kind(facts: Facts, day: date, /) -> str:
    """Return which rule says how long the customer may stay away."""
    bought = [purchase for purchase in facts.purchases if purchase <= day]
    wait = quiet_days(purchases=bought, window_days=facts.window_days)
    if len(set(bought)) < 3:
        return "for half the window"
    if wait == FEWEST_QUIET_DAYS:
        return "for the fewest days"
    return "for most of the window" if wait == Fraction(3 * facts.window_days, 4) else "by rhythm"


def situations_of_trend(lifecycle: Lifecycle, index: int, /) -> Iterator[str]:
    """Yield how a day of a customer with a trend stands to the thresholds."""
    stage = lifecycle.stages[index]
    if stage not in ("declining", "growing", "established"):
        return
    before, now = lifecycle.values[index - TREND_DAYS], lifecycle.values[index]
    if before <= 0:
        yield f"{stage} from nothing" if now > 0 else f"{stage} at nothing"
        return
    share = Fraction(now, before)
    for threshold in ("0.8", "0.9", "1.1", "1.2"):
        if share == Fraction(threshold):
            yield f"{stage} at exactly {threshold}"
    if Fraction("0.8") < share <= Fraction("0.9") and stage != "growing":
        yield f"{stage} between the thresholds of a decline"
    if Fraction("1.1") <= share < Fraction("1.2") and stage != "declining":
        yield f"{stage} between the thresholds of growth"


def situations_of_exit(lifecycle: Lifecycle, ended_on: date, run: Run, /) -> Iterator[str]:
    """Yield what is known about why a customer left."""
    facts = lifecycle.facts
    answer = exit_answer(facts=facts, ended_on=ended_on, day=run.as_of)
    of_contract = contract_reason(facts=facts, ended_on=ended_on)
    reasons = {
        (contract.mrr > 0, contract.started_on < ended_on, normal(contract.cancel_reason))
        for contract in facts.contracts
        if contract.stopped_on == ended_on
    }
    if len(reasons) > 1:
        yield "contracts that end together differ"
    if of_contract and facts.purchases:
        yield "a buyer left for the contract's reason"
    if answer is None:
        yield "left for the contract's reason" if of_contract else "left without a word"
        return
    said = normal(answer.reason_code)
    if said is None:
        yield (
            "answered without a reason, the contract has one"
            if of_contract
            else ("answered without a reason")
        )
    elif of_contract and of_contract != said:
        yield "the answer and the contract differ"
    if said and said not in exit_types():
        yield "a reason nobody knows"
    days = (answer.answered_on - ended_on).days
    if abs(days) == 90:
        yield "answered 90 days from the end"
    mirrored = ended_on - ONE_DAY * days
    exits = [other for other in facts.answers if other.survey_type == "exit" and other != answer]
    if any(other.answered_on == mirrored for other in exits) and days:
        yield "two answers as near"
    if any(other.answered_on == answer.answered_on for other in exits):
        yield "two answers of a day"
    if any(abs((other.answered_on - ended_on).days) == 91 for other in exits):
        yield "one answer too far"


def situations(lifecycle: Lifecycle, run: Run, /) -> Counter:
    """Count what occurs in a life; a situation of a day once."""
    seen = Counter(stay.stage for stay in lifecycle.stays)
    lasting = set()
    in_spell = [
        index for index, stage in enumerate(lifecycle.stages) if stage not in (None, *STAGES[-3:])
    ]
    trends_from = min(in_spell, default=len(run.days)) + TREND_FROM_DAYS
    for index, day in enumerate(run.days):
        stage = lifecycle.stages[index]
        if not stage:
            continue
        if index >= trends_from:
            lasting.update(situations_of_trend(lifecycle, index))
        before = lifecycle.stages[index - 1] if index else None
        if stage == before:
            continue
        if before:
            seen.update(situations_of_arrival(lifecycle, index, day))
        if stage in CHURNED and before not in CHURNED:
            seen.update(situations_of_exit(lifecycle, day, run))
    for after, late in pairwise(lifecycle.stays):
        seen[f"{after.stage} for a day"] += (late.entered_on - after.entered_on).days == 1
    answers = Counter(a.responded_at for a in lifecycle.facts.answers if a.survey_type == "nps")
    seen["two answers of a second"] += sum(times > 1 for times in answers.values())
    in_days = Counter(time.date() for time in answers)
    seen["two answers of a day, not of a second"] += sum(times > 1 for times in in_days.values())
    return seen + Counter(lasting)
