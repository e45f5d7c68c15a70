"""Deliveries of subscriptions made at random: everything that happens to them, in any order."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

FIRST_DAY = date(2022, 7, 1)
AS_OF = date(2024, 12, 18)  # it cuts short a month, a quarter and a year
LAST_DAY = AS_OF + timedelta(days=40)  # rows after as-of wait for a later run
SUBSCRIBERS = 2300
BUYERS = 2500  # the last of them never subscribe

SUBSCRIPTION_COLUMNS = (
    "subscription_id",
    "customer_id",
    "started_at",
    "ended_at",
    "plan_id",
    "amount",
    "quantity",
    "discount_amount",
    "currency",
    "billing_interval",
    "billing_interval_count",
    "status",
    "paid_through_at",
    "cancel_requested_at",
    "updated_at",
)
SEGMENTS = {
    "region": ("north", "south", ""),
    "industry": ("retail", "health"),
    "customer_segment": ("small", "large"),
    "acquisition_channel": ("search", "fair"),
}
VERTICALS = ("boats", "kites", "")  # none has an activity window of its own
OFFERS = {"true": "discount", "false": "full price", "": "unknown"}
# A customer's subscription is about 50 a month; of XTS no rate is known, of SEK one since 2023.
CURRENCIES = {"EUR": 50, "": 6, "USD": 20, "GBP": 15, "SEK": 8, "XTS": 1}
FIRST_RATES = {"USD": 9413, "GBP": 11622, "SEK": 893}  # ten-thousandths of a euro
RATES_SINCE = {"USD": FIRST_DAY, "GBP": FIRST_DAY, "SEK": date(2023, 1, 1)}
INTERVALS = {"month": 45, "": 5, "year": 20, "quarter": 10, "week": 10, "day": 10}
PRICES = {
    "day": ("1", "1.75", "2.99"),
    "week": ("7", "12.50", "15.99"),
    "quarter": ("90", "120.01", "149.97"),
    "year": ("120", "399.90", "600", "10.26", "575.50"),
}
MONTHLY_PRICES = ("9", "29.99", "30", "49.95", "100")

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The rows of each file."""

    subscriptions: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    exchange_rates: list[Row] = field(default_factory=list)

    def write(self, *, folder: Path) -> None:
        """Write a CSV file per table."""
        for table, rows in vars(self).items():
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)


def weighted(chance: random.Random, weights: dict[str, int], /) -> str:
    """Choose one of the keys."""
    return chance.choices(list(weights), list(weights.values()))[0]


def moment(chance: random.Random, day: date, /) -> datetime:
    """Choose a second of a day; the first and the last are as likely as all others."""
    second = chance.choice((0, 24 * 60 * 60 - 1, chance.randrange(24 * 60 * 60)))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)


def text(time: datetime, /) -> str:
    """Write a time as a delivery has it."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


def some_delivery(*, seed: int) -> Delivery:
    """Make a delivery; the same seed makes the same one."""
    chance = random.Random(seed)
    delivery = Delivery(exchange_rates=list(exchange_rates(chance=chance)))
    for number in range(BUYERS):
        customer_id = f"c{number:04}"
        if chance.random() < 0.97:  # the others are known from their rows alone
            segments = {name: chance.choice(values) for name, values in SEGMENTS.items()}
            segments["vertical"] = VERTICALS[number % 3]
            segments["is_discount_acquired"] = list(OFFERS)[number // 3 % 3]
            delivery.customers.append({"customer_id": customer_id, **segments})
        if number < SUBSCRIBERS:
            delivery.subscriptions.extend(
                row
                for subscription in subscriptions(chance=chance, customer_id=customer_id)
                for row in subscription
            )
        if number >= SUBSCRIBERS or chance.random() < 0.3:
            delivery.orders.extend(orders(chance=chance, customer_id=customer_id))
    chance.shuffle(delivery.subscriptions)
    return delivery


def exchange_rates(*, chance: random.Random) -> Iterator[Row]:
    """Yield rates that move, some of them for a month, some of them for a day."""
    for currency, first_rate in FIRST_RATES.items():
        day, rate = RATES_SINCE[currency], first_rate
        while day <= LAST_DAY:
            yield {
                "rate_date": str(day),
                "from_currency": currency,
                "to_currency": "EUR",
                "rate": str(Decimal(rate) / 10000),
            }
            day += timedelta(days=chance.choice((1, 3, 7, 30)))
            rate += round(rate * chance.uniform(-0.02, 0.02))


def orders(*, chance: random.Random, customer_id: str) -> Iterator[Row]:
    """Yield some orders of a customer; one in four is no purchase."""
    for number in range(chance.randint(1, 6)):
        day = FIRST_DAY + timedelta(days=chance.randrange((LAST_DAY - FIRST_DAY).days))
        no_purchase = {
            "status": chance.choice(("pending", "cancelled", "refunded")),
            "order_type": "return",
            "subscription_id": f"{customer_id}-0",
        }
        wrong = chance.choice(list(no_purchase)) if chance.random() < 0.25 else ""
        yield {
            "order_id": f"{customer_id}-{number}",
            "customer_id": customer_id,
            "ordered_at": text(moment(chance, day)),
            "amount": "25.00",
            **{name: value if name == wrong else "" for name, value in no_purchase.items()},
        }


def subscriptions(*, chance: random.Random, customer_id: str) -> Iterator[list[Row]]:
    """Yield the subscriptions of a customer; a second one often follows the one before."""
    days = (AS_OF - FIRST_DAY).days
    starts_on = FIRST_DAY + timedelta(days=chance.randrange(-30, days + 20))
    for number in range(chance.choice((1, 1, 1, 1, 2, 2, 3))):
        rows = subscription(
            chance=chance,
            customer_id=customer_id,
            subscription_id=f"{customer_id}-{number}",
            starts_at=moment(chance, starts_on),
        )
        yield rows
        ends = [rows[-1][name] for name in ("ended_at", "paid_through_at") if rows[-1][name]]
        if ends and max(ends) < str(LAST_DAY):
            # on the day the one before stops: a swap of the plan
            starts_on = date.fromisoformat(max(ends)[:10])
            starts_on += timedelta(days=chance.choice((0, 0, 1, 2, 4, 9)))
            starts_on = min(starts_on, LAST_DAY - timedelta(days=1))
        else:
            starts_on = FIRST_DAY + timedelta(days=chance.randrange(days))


def subscription(
    *, chance: random.Random, customer_id: str, subscription_id: str, starts_at: datetime
) -> list[Row]:
    """Return the versions of a subscription, and now and then an older copy of one."""
    rows: list[Row] = []
    at = starts_at
    terms = some_terms(chance=chance)
    status = weighted(chance, {"trialing": 3, "active": 6, "": 1, "past_due": 1, "paused": 1})
    while at.date() < LAST_DAY:
        row = dict.fromkeys(SUBSCRIPTION_COLUMNS, "") | terms
        row |= {"subscription_id": subscription_id, "customer_id": customer_id, "status": status}
        row |= {"started_at": text(at), "updated_at": text(at + timedelta(hours=1))}
        rows.append(row)
        # most often weeks; also the same day, the next one, and a year
        length = chance.choice((0, 1, 1, 2, *[chance.randint(5, 90)] * 12, 365))
        planned = at.date() + timedelta(days=length)
        happens = weighted(chance, {"replaced": 50, "cancelled": 30, "runs on": 10, "copied": 4})
        if happens == "runs on":
            row |= some_plans(chance=chance, day=planned)
            break
        if happens == "copied":
            older = text(at - timedelta(hours=1))
            rows.append(row | {"amount": "77.77", "updated_at": older})
        stop = planned
        if happens == "cancelled":
            stop = cancel(chance=chance, row=row, day=planned)
            if chance.random() < 0.3:
                break
            # from a seamless return to one after months; a gap of a day is the default grace
            stop += timedelta(days=chance.choice((0, 1, 1, 1, 2, 3, 4, 5, 6, 30, 70)))
        elif chance.random() < 0.2:
            # as senders do who close a version when they replace it, a few of them days before
            closed_on = planned - timedelta(days=chance.choice((0, 0, 0, 1, 2, 5)))
            row["ended_at"] = text(moment(chance, closed_on))
        at = max(moment(chance, stop), at + timedelta(seconds=1))
        if chance.random() < 0.5:
            terms = changed_terms(chance=chance, terms=terms)
        status = weighted(
            chance, {"active": 60, "past_due": 8, "paused": 15, "trialing": 3, "": 10}
        )
        if len(rows) == 9:
            break
    if len(rows) > 1 and chance.random() < 0.02:
        for row in rows[len(rows) // 2 :]:  # handed over to somebody else
            row["customer_id"] = f"{customer_id}-heir"
    return rows


def some_plans(*, chance: random.Random, day: date) -> Row:
    """Return dates that end nothing by themselves, because the version is in force."""
    plans = {"paid_through_at": day, "cancel_requested_at": day, "ended_at": day}
    # an end in the past would be one
    plans["ended_at"] = max(day, AS_OF + timedelta(days=chance.randint(1, 60)))
    return {
        name: text(moment(chance, planned))
        for name, planned in plans.items()
        if chance.random() < 0.4
    }


def cancel(*, chance: random.Random, row: Row, day: date) -> date:
    """End a version about a day; returns the day its sender holds it to be over.

    Every combination of the three dates occurs, and a date before the start as well.
    """
    dates = {
        "ended_at": day,
        "paid_through_at": day + timedelta(days=chance.choice((0, 0, 3, 14, 30, -3))),
        "cancel_requested_at": day - timedelta(days=chance.choice((0, 1, 7, 20))),
    }
    known = {name: date for name, date in dates.items() if chance.random() < 0.6}
    if chance.random() < 0.9:  # an end in the past with a status in force is one all the same
        row["status"] = chance.choice(("cancelled", "cancelled", "expired"))
        if not known and chance.random() < 0.7:
            known = {"ended_at": day}
    row |= {name: text(moment(chance, date)) for name, date in known.items()}
    return max(
        (known[name] for name in ("ended_at", "paid_through_at") if name in known), default=day
    )


def some_terms(*, chance: random.Random) -> Row:
    """Choose a price; no rounding of it falls between the digits that are kept."""
    interval = weighted(chance, INTERVALS)
    quantity = weighted(chance, {"": 50, "1": 20, "2": 15, "3": 10, "2.5": 5})
    terms = {
        "amount": price(chance=chance, interval=interval),
        "quantity": quantity,
        "currency": weighted(chance, CURRENCIES),
        "billing_interval": interval,
        "billing_interval_count": weighted(chance, {"": 60, "1": 20, "2": 10, "3": 5, "6": 5}),
        "discount_amount": chance.choice(("", "", "", "0.10", "5", "0")),
    }
    return terms | {"plan_id": f"{interval or 'month'} {terms['amount']}"}


def changed_terms(*, chance: random.Random, terms: Row) -> Row:
    """Change the price, the seats or the discount, seldom everything."""
    changed = some_terms(chance=chance)
    if chance.random() < 0.15:
        return changed
    name = chance.choice(("amount", "quantity", "discount_amount"))
    value = changed[name]
    if name == "amount":
        value = price(chance=chance, interval=terms["billing_interval"])
    return terms | {name: value}


def price(*, chance: random.Random, interval: str) -> str:
    """Choose an amount per billing interval, now and then nothing."""
    if chance.random() < 0.05:
        return "0"
    return chance.choice(PRICES.get(interval, MONTHLY_PRICES))
