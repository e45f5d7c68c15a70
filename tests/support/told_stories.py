"""Subscriptions whose stories are made at random and told in three forms.

states     a row for each change: the end of a trial, a pause, and a last row that says it is over
dates      a row for each change of plan; the days of trial and end stand in the row they belong to
snapshots  as `dates`, and each row is there once more, as it was told before its end was known
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = date(2023, 1, 1)
AS_OF = date(2024, 12, 18)
FORMS = ("states", "dates", "snapshots")
COLUMNS = (
    *("subscription_id", "customer_id", "started_at", "ended_at", "signed_at", "trial_ends_at"),
    *("plan_id", "amount", "currency", "billing_interval", "status", "paid_through_at"),
    *("cancel_requested_at", "cancel_reason", "is_involuntary", "is_refunded", "updated_at"),
)
PRICES = {"month": (10, 20, 30), "quarter": (60, 90), "year": (120, 240, 600)}

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of days with one plan and one state, up to the start of the next one."""

    starts_on: date
    state: str
    plan: str
    amount: int
    interval: str
    paid_through: date | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened to a subscription."""

    number: int
    stretches: list[Stretch]
    ends_on: date | None = None
    is_cut_short: bool = False
    """It ended before the time paid for was over, and the rest was paid back."""
    status: str = "cancelled"
    requested_on: date | None = None
    reason: str = ""
    is_involuntary: str = ""
    signed_on: date | None = None


def stories(*, count: int, seed: int) -> list[Story]:
    """Make up stories; the same seed makes the same ones."""
    chance = random.Random(seed)
    return [story(number=number, chance=chance) for number in range(count)]


def story(*, number: int, chance: random.Random) -> Story:
    """Make up a story."""
    day = FIRST_DAY + timedelta(days=chance.randrange((AS_OF - FIRST_DAY).days))
    interval = chance.choice(("month", "month", "quarter", "year"))
    signed_on = day - timedelta(days=chance.randint(0, 40)) if chance.random() < 0.3 else None
    states = ["trialing"] if chance.random() < 0.4 else []
    while not states or (chance.random() < 0.7 and len(states) < 6):
        others = ["active", "active", "active", "past_due", "paused"]
        states.append(chance.choice(others if states and states != ["trialing"] else ["active"]))
    if states[0] == "trialing" and chance.random() < 0.3:
        states = ["trialing"]  # and nobody ever paid
    stretches = []
    for state in states:
        # what is tried is what is paid for next
        is_tried = bool(stretches) and stretches[-1].state == "trialing"
        amount = stretches[-1].amount if is_tried else chance.choice(PRICES[interval])
        stretches.append(
            Stretch(
                starts_on=day,
                state=state,
                plan=f"{interval} {amount}",
                amount=amount,
                interval=interval,
            )
        )
        day += timedelta(days=chance.choice((7, 14, 30, 31, 90, 200)))
        if day > AS_OF:
            break
    goes_on = day > AS_OF or chance.random() < 0.3
    if goes_on:
        return Story(number=number, stretches=stretches, signed_on=signed_on)
    last = stretches[-1]
    is_cut_short = last.state == "active" and chance.random() < 0.4
    if is_cut_short:
        paid_through = day + timedelta(days=chance.randint(1, 300))
        stretches[-1] = Stretch(**{**vars(last), "paid_through": paid_through})
    return Story(
        number=number,
        stretches=stretches,
        ends_on=day,
        is_cut_short=is_cut_short,
        status=chance.choice(("cancelled", "expired")),
        requested_on=day - timedelta(days=chance.randint(0, 60)) if chance.random() < 0.6 else None,
        reason=chance.choice(("", "too_expensive", "payment_failed", "moved")),
        is_involuntary=chance.choice(("", "true", "false")),
        signed_on=signed_on,
    )


def rows(told: Story, /, *, form: str) -> Iterator[Row]:
    """Yield the raw rows of a story in one of the forms."""
    stretches = told.stretches
    by_row = form == "states"
    trial = stretches[0] if stretches[0].state == "trialing" and len(stretches) > 1 else None
    if trial and not by_row:
        # the row of the first plan begins with its trial
        first = Stretch(**{**vars(stretches[1]), "starts_on": trial.starts_on})
        trial_ends_on, stretches = stretches[1].starts_on, [first, *stretches[2:]]
    else:
        trial_ends_on = None
    for stretch in stretches:
        row = row_of(told, stretch, form=form)
        is_last = stretch is stretches[-1]
        if stretch is stretches[0]:
            row["signed_at"] = text(told.signed_on)
            row["trial_ends_at"] = text(trial_ends_on)
        if not is_last or not told.ends_on:
            yield from copies(row, form=form, last={})
            continue
        if by_row:
            yield row
            yield closing_row(told, row)
            continue
        last = ends(told) | {"ended_at": text(told.ends_on)}
        last["is_refunded"] = "true" if told.is_cut_short else ""
        if stretch.state == "trialing":
            last |= {"status": told.status, "trial_ends_at": text(told.ends_on)}
        elif stretch.state == "active":
            last |= {"status": told.status}
        yield from copies(row, form=form, last=last)


def row_of(told: Story, stretch: Stretch, /, *, form: str) -> Row:
    """Return the row of a stretch, while it goes on."""
    return dict.fromkeys(COLUMNS, "") | {
        "subscription_id": f"{form} {told.number}",
        "customer_id": f"{form} {told.number // 2}",
        "started_at": text(stretch.starts_on),
        "plan_id": stretch.plan,
        "amount": str(stretch.amount),
        "currency": "EUR",
        "billing_interval": stretch.interval,
        "status": stretch.state,
        "paid_through_at": text(stretch.paid_through),
        "updated_at": text(stretch.starts_on),
    }


def closing_row(told: Story, row: Row, /) -> Row:
    """Return the row that only says that a story is over: without a day, or with its own."""
    day = text(told.ends_on)
    ended = day if told.number % 2 else ""
    kept = {"started_at": day, "ended_at": ended, "status": told.status, "updated_at": day}
    return row | {"paid_through_at": ""} | ends(told) | kept


def ends(told: Story, /) -> Row:
    """Return what a row says of an end and its reason."""
    return {
        "cancel_requested_at": text(told.requested_on),
        "cancel_reason": told.reason,
        "is_involuntary": told.is_involuntary,
    }


def copies(row: Row, /, *, form: str, last: Row) -> Iterator[Row]:
    """Yield a row as it is told at last, and with `snapshots` as it was told before."""
    if form == "snapshots":
        yield row | ({"status": "trialing"} if row["trial_ends_at"] else {})
    yield row | last | {"updated_at": text(AS_OF)}


def text(day: date | None, /) -> str:
    """Write a day as a delivery has it."""
    return str(day) if day else ""
