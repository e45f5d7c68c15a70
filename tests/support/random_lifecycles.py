"""Deliveries of customers made at random: prospects, buyers, subscribers, what they say."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import random_subscriptions
from random_subscriptions import FIRST_DAY, Delivery, Row, moment, text, weighted

AS_OF = date(2025, 3, 18)  # more than a year after a leap day, on which some answer
LAST_DAY = AS_OF + timedelta(days=40)  # rows after as-of wait for a later run
LEAP_DAY = date(2024, 2, 29)
PEOPLE = {
    **{"prospect": 600, "buyer": 1000, "both": 200, "subscriber": 350, "plain subscriber": 350},
    "hearsay": 20,  # a name, and no day on which it was heard
}

WINDOWS = {"grocery": 30, "beauty": 60, "fashion": 120, "electronics": 270, "home": 365}
VERTICALS = {"": 3, "toys": 1, "Grocery": 1, **dict.fromkeys(WINDOWS, 3)}
EVENT_TYPES = {
    **dict.fromkeys(("site_visit", "portal_login", "tool_use", "download"), 5),
    **dict.fromkeys(("email_sent", "email_opened", "email_clicked", "sales_contact"), 2),
    **dict.fromkeys(("support_contact", "loyalty_earned", "loyalty_redeemed"), 1),
    "form_submitted": 2,
}
REASONS = {
    **{"": 6, "price": 3, "competitor": 2, " Poor_Service ": 2, "payment_failed": 1},
    **{"no_longer_needed": 3, "MOVED_AWAY": 2, "fraud": 1, "unknown": 1, "never heard of": 1},
}
PRICES = (80, 90, 91, 100, 100, 109, 110, 120, 150)
# against the 100 of half a year ago a change meets a threshold exactly, or just not
STAIRS = ((80, 90, 91), (80, 90), (120, 110), (120, 110), (120, 110, 109), (81, 79), (119, 120))
# days from an end: those of two answers may be as near, and some are too far
NEAR_AN_END = (-91, -90, -40, -7, -7, 0, 3, 7, 7, 7, 30, 60, 89, 90, 91)

ORDER_COLUMNS = (
    *("order_id", "customer_id", "ordered_at", "amount", "currency", "status", "order_type"),
    *("discount_amount", "refunded_amount", "refunded_at", "original_order_id", "subscription_id"),
)
SURVEY_COLUMNS = (
    *("response_id", "customer_id", "survey_type", "invited_at", "responded_at", "score"),
    *("reason_code", "switched_to_competitor", "updated_at"),
)


@dataclass(frozen=True, kw_only=True)
class Lifecycles(Delivery):
    """The rows of each file."""

    survey_responses: list[Row] = field(default_factory=list)
    engagement_events: list[Row] = field(default_factory=list)
    campaign_members: list[Row] = field(default_factory=list)
    loyalty_memberships: list[Row] = field(default_factory=list)
    usage_readings: list[Row] = field(default_factory=list)


@dataclass(kw_only=True)
class Person:
    """Somebody whose rows are made; `ends` are days on which they may turn out to have left."""

    chance: random.Random
    customer_id: str
    kind: str
    starts_on: date
    vertical: str
    is_corrected: bool
    ends: list[date] = field(default_factory=list)

    @property
    def window_days(self) -> int:
        """How long a purchase keeps them active."""
        return WINDOWS.get(self.vertical.lower(), 60)

    def some_day(self, *, since: date | None = None) -> date:
        """Choose a day from a first one on; now and then one after as-of."""
        since = min(since or self.starts_on, LAST_DAY - timedelta(days=1))
        return since + timedelta(days=self.chance.randrange((LAST_DAY - since).days))

    def time(self, day: date, /) -> str:
        """Write a moment of a day."""
        return text(moment(self.chance, day))


def some_lifecycles(*, seed: int, is_corrected: bool = True, share: float = 1) -> Lifecycles:
    """Make a delivery; the same arguments make the same one.

    Without corrections no row takes back what was known before it: a sale that is wholly paid back
    is so on its own day, nothing comes back as a whole, who is described late has no vertical with
    a window of its own, and no answer replaces the row of its invitation.
    """
    chance = random.Random(seed)
    delivery = Lifecycles(
        exchange_rates=list(random_subscriptions.exchange_rates(chance=chance)),
    )
    for kind, people in PEOPLE.items():
        for number in range(round(people * share)):
            latest = (AS_OF - FIRST_DAY).days + 10
            # most begin early, so that there are years to look at
            starts_in = min(chance.randrange(latest), chance.randrange(latest))
            person = Person(
                chance=chance,
                customer_id=f"{kind[0]}{kind[-1]}{number:04}",
                kind=kind,
                starts_on=FIRST_DAY + timedelta(days=starts_in),
                vertical=weighted(chance, VERTICALS),
                is_corrected=is_corrected,
            )
            add_person(person=person, delivery=delivery)
    chance.shuffle(delivery.subscriptions)
    chance.shuffle(delivery.survey_responses)
    return delivery


def add_person(*, person: Person, delivery: Lifecycles) -> None:
    """Add all rows of a person."""
    chance = person.chance
    if person.kind == "hearsay":
        row = {"customer_id": person.customer_id, "created_at": ""}
        row |= {"email": f"{person.customer_id}@example.com", "vertical": person.vertical}
        delivery.customers.append(row)
        return
    if person.kind in ("buyer", "both"):
        delivery.orders.extend(orders(person=person))
    if person.kind in ("subscriber", "both"):
        delivery.subscriptions.extend(random_versions(person=person))
    if person.kind == "plain subscriber":
        delivery.subscriptions.extend(plain_versions(person=person))
    if person.kind == "prospect" and chance.random() < 0.2:
        order = some_order(person=person, day=person.some_day(), number=0)
        delivery.orders.append(order | {"status": chance.choice(("pending", "cancelled"))})
    delivery.customers.extend(description(person=person))
    delivery.engagement_events.extend(engagement(person=person))
    delivery.survey_responses.extend(surveys(person=person))
    for table, columns in {
        "campaign_members": ("campaign_id", "assigned_at", {}),
        "loyalty_memberships": ("programme", "joined_at", {}),
        "usage_readings": ("asset_id", "read_at", {"reading": "7"}),
    }.items():
        if chance.random() < 0.04:
            name, time, values = columns
            row = {name: f"of {person.customer_id}", "customer_id": person.customer_id, **values}
            before = timedelta(days=chance.choice((0, 0, 20)))
            row[time] = person.time(person.some_day() - before)
            getattr(delivery, table).append(row)


def description(*, person: Person) -> Iterator[Row]:
    """Yield the row of `customers`, if somebody described the person."""
    chance = person.chance
    if chance.random() < 0.05:
        return
    days = chance.choice((0, 0, 0, -5, -60, 30, 200))
    if days > 0 and not person.is_corrected and person.vertical.lower() in WINDOWS:
        days = 0
    created_on = min(person.starts_on + timedelta(days=days), LAST_DAY)
    yield {
        "customer_id": person.customer_id,
        "created_at": person.time(created_on) if chance.random() < 0.85 else "",
        "email": f"{person.customer_id}@example.com" if chance.random() < 0.5 else "",
        "vertical": person.vertical,
    }


def engagement(*, person: Person) -> Iterator[Row]:
    """Yield events, some of them close together."""
    chance = person.chance
    most = 8 if person.kind == "prospect" else 3
    day = person.starts_on
    for number in range(chance.randint(0, most)):
        # 89, 90 and 91 days: three engagements are just within their time, or just not
        day += timedelta(days=chance.choice((0, 1, 5, 20, 30, 44, 45, 46, 89, 90, 91, 200)))
        if day > LAST_DAY:
            return
        yield {
            "event_id": f"{person.customer_id}-{number}",
            "customer_id": person.customer_id,
            "occurred_at": person.time(day),
            "event_type": weighted(chance, EVENT_TYPES),
        }


def orders(*, person: Person) -> Iterator[Row]:
    """Yield orders in a rhythm, with pauses, and at a level that changes."""
    chance = person.chance
    rhythm = chance.choice((4, 7, 7, 14, 21, 30, 30, 45, 60, 90, 150))
    level = chance.choice((20, 50, 100))
    day = person.starts_on
    for number in range(140):
        yield some_order(person=person, day=day, number=number, level=level)
        days = rhythm + chance.choice((0, 0, 0, -1, 1, -rhythm // 3, rhythm // 2, -rhythm))
        if chance.random() < min(0.1, rhythm / 300):
            # a pause about as long as the window, or much longer
            person.ends.append(day + timedelta(days=person.window_days))
            days = person.window_days + chance.choice((-1, 0, 0, 1, 2, 20, 100, 250))
        if chance.random() < min(0.2, rhythm / 200):
            level = max(10, round(level * chance.choice((0.5, 0.8, 0.9, 1, 1.1, 1.2, 2)), -1))
        day += timedelta(days=days)
        if day > LAST_DAY or chance.random() < min(0.1, rhythm / 700):
            break
    person.ends.append(day + timedelta(days=person.window_days))


def some_order(*, person: Person, day: date, number: int, level: int = 30) -> Row:
    """Make an order; one in four is more than a plain sale."""
    chance = person.chance
    row = dict.fromkeys(ORDER_COLUMNS, "") | {
        "order_id": f"{person.customer_id}-{number}",
        "customer_id": person.customer_id,
        "ordered_at": person.time(day),
        "amount": str(level),
        "currency": "EUR"
        if chance.random() < 0.9
        else weighted(chance, random_subscriptions.CURRENCIES),
    }
    later = person.time(day + timedelta(days=chance.choice((-3, 0, 1, 10, 40, 150))))
    # what is wholly paid back later was a purchase until then
    whole = later if person.is_corrected else ""
    special = {
        "partly refunded": {"refunded_amount": str(level // 2), "refunded_at": later},
        "wholly refunded": {"refunded_amount": str(level), "refunded_at": whole},
        "refunded less the discount": {
            "refunded_amount": str(level - 5),
            "discount_amount": "5",
            "refunded_at": whole,
        },
        "status refunded": {"status": "refunded", "refunded_at": whole},
        "status partly refunded": {
            "status": "refunded",
            "refunded_amount": "5",
            "refunded_at": later,
        },
        "discounted": {"discount_amount": "7.50"},
        "returned": {"order_type": "return", "amount": chance.choice(("11", "-11"))},
        "adjusted": {"amount": "-15"},
        "free": {"amount": "0"},
        "pending": {"status": "pending"},
        "cancelled": {"status": "cancelled"},
        "invoice": {"subscription_id": f"{person.customer_id}-0"},
    }
    if person.is_corrected:
        # the amount is that of a sale, or the key: of the order before, if that is a sale
        sign = chance.choice(("", "-"))
        special["returned whole"] = {"order_type": "return", "amount": f"{sign}{level}"}
        special["returned by key"] = special["returned whole"] | {
            "amount": str(level * 2),
            "original_order_id": f"{person.customer_id}-{max(number - 1, 0)}",
        }
    return row | (special[chance.choice(list(special))] if chance.random() < 0.25 else {})


def random_versions(*, person: Person) -> Iterator[Row]:
    """Yield subscriptions to which anything happens, with a reason here and there."""
    for rows in random_subscriptions.subscriptions(
        chance=person.chance, customer_id=person.customer_id
    ):
        for row in rows:
            ends = [row[name] for name in ("ended_at", "paid_through_at") if row[name]]
            person.ends.extend(date.fromisoformat(max(ends)[:10]) for _ in ends[:1])
            yield row | {"cancel_reason": weighted(person.chance, REASONS) if ends else ""}


def plain_versions(*, person: Person) -> Iterator[Row]:
    """Yield a contract that lasts and changes its price every few months, and maybe another."""
    chance = person.chance
    for number in range(chance.choice((1, 1, 2))):
        day = person.starts_on if number == 0 else person.some_day()
        prices = [chance.choice(PRICES) for _ in range(chance.randint(1, 6))]
        if number == 0 and chance.random() < 0.5:
            prices = [100, *chance.choice(STAIRS)]
        for version, price in enumerate(prices):
            row = dict.fromkeys(random_subscriptions.SUBSCRIPTION_COLUMNS, "") | {
                "subscription_id": f"{person.customer_id}-{number}",
                "customer_id": person.customer_id,
                "started_at": person.time(day),
                "plan_id": "plain",
                "amount": str(price),
                "status": weighted(chance, {"active": 8, "": 4, "past_due": 1, "paused": 1}),
                "updated_at": person.time(day),
                "cancel_reason": "",
            }
            lasts = timedelta(days=chance.choice((30, 60, 60, 90, 120, 180, 270)))
            if version == 0 and prices[0] == 100:
                lasts = timedelta(days=chance.choice((300, 359, 360, 361, 400)))
            is_last = version == len(prices) - 1
            if chance.random() < 0.12 or (is_last and chance.random() < 0.3):
                asked_on = day + timedelta(days=chance.randrange(lasts.days))
                row["cancel_requested_at"] = person.time(asked_on)
            if is_last and chance.random() < 0.5:
                ends_on = day + lasts
                row["status"] = "cancelled"
                row["ended_at"] = person.time(ends_on)
                row["cancel_reason"] = weighted(chance, REASONS)
                person.ends.append(ends_on)
            yield row
            if row["ended_at"] and chance.random() < 0.4:
                # another contract ends the same day, paid for or not, or begins and ends on it
                begun = chance.choice((row["started_at"], row["started_at"], row["ended_at"]))
                yield row | {
                    "subscription_id": f"{row['subscription_id']}-twin",
                    "started_at": begun,
                    "amount": str(chance.choice((0, 70, price, 200))),
                    "cancel_reason": weighted(chance, REASONS),
                }
            day += lasts
            if day > LAST_DAY:
                break


def surveys(*, person: Person) -> Iterator[Row]:
    """Yield answers to every survey, and invitations nobody followed."""
    chance = person.chance
    rows = []
    # some would recommend, some would not, some do both in turn
    scores = chance.choice(((9, 10), (9, 10, 7), (0, 5, 6), (8, 7, 6), (3, 9, 10), (6, 9), (11, 9)))
    day = person.some_day()
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        score = str(chance.choice(scores)) if chance.random() < 0.9 else ""
        rows.append({"survey_type": "nps", "responded_at": person.time(day), "score": score})
        if chance.random() < 0.15:
            # of two of the same second the one with the larger key is the later
            again = rows[-1]["responded_at"] if chance.random() < 0.5 else person.time(day)
            other = {"responded_at": again, "score": str(chance.choice((0, 6, 7, 8, 9, 10)))}
            rows.append(rows[-1] | other)
        day = (
            LEAP_DAY
            if chance.random() < 0.1
            else person.some_day(since=day - timedelta(days=chance.choice((0, 100))))
        )
    if chance.random() < 0.05:
        # it grows old on the last day of the next February, unless somebody changes their mind
        answer = {"survey_type": "nps", "responded_at": person.time(LEAP_DAY)}
        rows = [answer | {"score": chance.choice(("0", "6", "9", "10"))}]
    for _ in range(chance.choice((0, 0, 1))):
        kind, score = chance.choice((("csat", "1"), ("ces", "2"), ("intent", "10"), ("nps", "")))
        time = person.time(person.some_day())
        answered = chance.random() < 0.6
        rows.append(
            {"survey_type": kind, "invited_at": time, "score": score if answered else ""}
            | ({"responded_at": time} if answered else {})
        )
    rows.extend(exit_surveys(person=person, ends=person.ends))
    for number, values in enumerate(rows):
        if (
            not FIRST_DAY
            <= date.fromisoformat((values.get("responded_at") or values["invited_at"])[:10])
            <= LAST_DAY
        ):
            continue
        row = dict.fromkeys(SURVEY_COLUMNS, "") | values
        # nobody stands behind an anonymous answer
        row["customer_id"] = person.customer_id if chance.random() < 0.97 else ""
        row["response_id"] = f"{person.customer_id}-{number}"
        row["updated_at"] = row["responded_at"] or row["invited_at"]
        yield row
        if person.is_corrected and row["responded_at"] and chance.random() < 0.1:
            invited_at = text(
                moment(chance, date.fromisoformat(row["responded_at"][:10]) - timedelta(days=9))
            )
            values = {"responded_at": "", "score": "", "invited_at": invited_at}
            yield row | values | {"updated_at": invited_at}


def exit_surveys(*, person: Person, ends: Sequence[date]) -> Iterator[Row]:
    """Yield answers why somebody left, around the days on which that may have been."""
    chance = person.chance
    for ended_on in ends:
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            time = person.time(ended_on + timedelta(days=chance.choice(NEAR_AN_END)))
            # an invitation alone says nothing, even where a reason is filled in
            column = "responded_at" if chance.random() < 0.9 else "invited_at"
            yield {
                "survey_type": "exit",
                column: time,
                "reason_code": weighted(chance, REASONS),
                "switched_to_competitor": chance.choice(("", "", "true", "false")),
            }
