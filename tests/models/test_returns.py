"""Returns find their sale: the models on orders made at random, beside a clerk who leafs back.

The orders are of few customers, days and amounts, so that most returns meet a sale that might be
theirs, and something that speaks against it.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle import PROJECT
from returns import MATCH_DAYS, booked, is_purchase, matched

from python_helpers.delivery.rendering import Macros

ORDERS = PROJECT / "models" / "intermediate" / "orders"
FIRST_MOMENT = datetime(2024, 1, 1, 9, 0)
RATES = {"EUR": 1.0, "USD": 0.5}
COLUMNS = {
    "order_id": "varchar",
    "source_name": "varchar",
    "customer_id": "varchar",
    "ordered_at": "timestamp",
    "amount": "decimal(18, 2)",
    "currency": "varchar",
    "status": "varchar",
    "order_type": "varchar",
    "discount_amount": "decimal(18, 2)",
    "refunded_amount": "decimal(18, 2)",
    "refunded_at": "timestamp",
    "original_order_id": "varchar",
    "subscription_id": "varchar",
    "cost_amount": "decimal(18, 2)",
    "sales_channel": "varchar",
    "exchange_rate": "double",
    "event_date": "date",
}
Row = dict[str, object]


def rows_of(cursor: duckdb.DuckDBPyConnection, /) -> list[Row]:
    """Read rows with the names of their columns."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The models that value orders, as views on a table of orders that a test fills."""

    connection: duckdb.DuckDBPyConnection

    def fill(self, orders: Sequence[Row], /) -> None:
        """Take these orders, and no others."""
        self.connection.execute("truncate stg_orders")
        if orders:
            row = f"({', '.join('?' * len(COLUMNS))})"
            self.connection.execute(
                f"insert into stg_orders values {', '.join([row] * len(orders))}",
                [order.get(name) for order in orders for name in COLUMNS],
            )

    def rows(self, view: str, /) -> dict[str, Row]:
        """Return the rows of a view by their order."""
        rows = rows_of(self.connection.execute(f"from {view}"))
        found = {row["order_id"]: row for row in rows}
        assert len(found) == len(rows), f"{view} has an order twice"
        return found


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Render the models once."""
    with duckdb.connect() as connection:
        macros = Macros(connection=connection, project_dir=PROJECT)
        columns = ", ".join(f"{name} {data_type}" for name, data_type in COLUMNS.items())
        connection.execute(f"create table stg_orders ({columns})")
        macros.made["stg_orders"] = macros.relation("main", "stg_orders")
        for model in ("int_orders_classified", "int_returns_matched", "int_orders_valued"):
            query = macros.render(ORDERS / f"{model}.sql")
            connection.execute(f"create view {model} as {query}")
            macros.made[model] = macros.relation("main", model)
        # as if no return had ever found its sale
        connection.execute("create table no_matches as from int_returns_matched limit 0")
        macros.made["int_returns_matched"] = macros.relation("main", "no_matches")
        query = macros.render(ORDERS / "int_orders_valued.sql")
        connection.execute(f"create view int_orders_valued_unmatched as {query}")
        yield Shop(connection=connection)


def some_orders(chance: random.Random, /) -> list[Row]:
    """Make orders of few customers; a return names one of them, or none, or one nobody knows."""

    def some(**weights: int) -> str | None:
        (word,) = chance.choices(list(weights), weights=list(weights.values()))
        return None if word == "none" else word

    def money(**weights: int) -> Decimal | None:
        word = some(none=20, **weights)
        return word and Decimal(word)

    # the keys say nothing of the time
    keys = [f"o{number:02}" for number in range(90)]
    chance.shuffle(keys)
    orders = []
    for key in keys:
        # half the orders are of two days, some of one moment; some 60 days apart, some 61
        moment = FIRST_MOMENT + timedelta(
            days=chance.choice((0, 0, 1, 60, 61)), hours=chance.choice((0, 0, 14))
        )
        currency = some(EUR=3, USD=1)
        is_return = chance.random() < 0.35
        named = (key, "nobody knows", *chance.choices(keys, k=8))
        orders.append(
            {
                "order_id": key,
                "customer_id": some(ann=2, bob=2, cid=2, dot=2, eva=2, flo=2, gus=2, none=2),
                "ordered_at": moment,
                "event_date": moment.date(),
                "amount": some(**{"10": 6, "-10": 1, "12": 1, "8": 1, "0": 1, "5.01": 3}),
                "currency": currency,
                "exchange_rate": RATES[currency],
                "status": some(completed=8, refunded=1, pending=1, cancelled=1),
                "order_type": "return" if is_return else "sale",
                "discount_amount": money(**{"2": 1, "-2": 1, "10": 1}),
                "refunded_amount": None if is_return else money(**{"1": 1, "-2": 1, "10": 1}),
                "original_order_id": chance.choice(named)
                if is_return and chance.random() < 0.3
                else None,
                "subscription_id": some(s1=1, none=15),
                "cost_amount": money(**{"4": 20}),
            }
        )
    # what names a sale of somebody else matches nothing, so some name one of their own
    for order in orders:
        own = [
            other["order_id"]
            for other in orders
            if (other["customer_id"], other["currency"])
            == (order["customer_id"], order["currency"])
        ]
        if order["original_order_id"] and chance.random() < 0.8:
            # often of the same sale, in parts
            order["original_order_id"] = chance.choice(own[:3])
    return orders


def test_the_random_orders_have_returns_of_every_kind():
    kinds = Counter()
    for seed in range(20):
        bookings = [booked(order) for order in some_orders(random.Random(seed))]
        matches = matched(bookings=bookings)
        kinds["by id"] += len(matches.by_id)
        kinds["by amount"] += len(matches.by_amount)
        for booking in bookings:
            had_return = booking.order_id in matches.taken_back
            bought = is_purchase(booking=booking, matches=matches)
            kinds["purchase with a return"] += had_return and bought
            kinds["taken back as a whole"] += had_return and not bought
            is_lost = booking.counts and booking.is_return
            if is_lost and booking.order_id not in matches.sale_of:
                kinds["of no sale" if booking.original_order_id else "of no amount"] += 1
    assert len(kinds) == 6
    assert min(kinds.values()) >= 10, kinds


ON_RANDOM_ORDERS = settings(max_examples=40, deadline=None)
SEEDS = st.integers(min_value=0, max_value=10**9)


@ON_RANDOM_ORDERS
@given(seed=SEEDS)
def test_returns_sales_and_purchases_are_those_of_the_clerk(shop, seed):
    orders = some_orders(random.Random(seed))
    shop.fill(orders)
    bookings = {order["order_id"]: booked(order) for order in orders}
    matches = matched(bookings=bookings.values())
    found = shop.rows("int_returns_matched")
    assert {key: (row["sale_order_id"], row["matched_by"]) for key, row in found.items()} == {
        **{key: (sale, "original_order_id") for key, sale in matches.by_id.items()},
        **{key: (sale, "amount") for key, sale in matches.by_amount.items()},
    }
    valued = shop.rows("int_orders_valued")
    assert {key for key, row in valued.items() if row["is_purchase"]} == {
        key for key, booking in bookings.items() if is_purchase(booking=booking, matches=matches)
    }
    # of a dollar half a cent may be left, but 10 cents are 5
    assert {key: row["returned_amount"] for key, row in valued.items()} == {
        key: sum(
            round(abs(bookings[back].amount) * Fraction(RATES[booking.currency]) * 100 + 1 / 10**6)
            for back, sale in matches.sale_of.items()
            if sale == key and not bookings[back].is_invoice
        )
        / Decimal(100)
        for key, booking in bookings.items()
    }


@ON_RANDOM_ORDERS
@given(seed=SEEDS)
def test_no_sale_comes_back_twice_or_from_another_customer_or_in_another_currency(shop, seed):
    orders = some_orders(random.Random(seed))
    shop.fill(orders)
    order_of = {order["order_id"]: order for order in orders}
    found = shop.rows("int_returns_matched")
    times_returned = Counter(row["sale_order_id"] for row in found.values())
    for order_id, row in found.items():
        back, sale = order_of[order_id], order_of[row["sale_order_id"]]
        assert (back["order_type"], sale["order_type"]) == ("return", "sale")
        assert back["customer_id"] == sale["customer_id"]
        assert back["currency"] == sale["currency"]
        assert "pending" not in (back["status"], sale["status"])
        if row["matched_by"] == "amount":
            assert times_returned[row["sale_order_id"]] == 1
            assert back["customer_id"] is not None
            assert 0 <= (back["event_date"] - sale["event_date"]).days <= MATCH_DAYS
            assert not sale["refunded_amount"]


@ON_RANDOM_ORDERS
@given(seed=SEEDS)
def test_matching_moves_no_money_and_no_day(shop, seed):
    orders = some_orders(random.Random(seed))
    shop.fill(orders)
    matching_decides = {"sale_order_id", "value_date", "returned_amount", "is_purchase"}

    def money(view: str) -> dict[str, Row]:
        return {
            key: {name: value for name, value in row.items() if name not in matching_decides}
            for key, row in shop.rows(view).items()
        }

    assert money("int_orders_valued") == money("int_orders_valued_unmatched")


@ON_RANDOM_ORDERS
@given(seed=SEEDS)
def test_what_a_customer_sent_back_depends_on_their_own_orders_alone(shop, seed):
    orders = some_orders(random.Random(seed))
    shop.fill(orders)
    together = shop.rows("int_returns_matched")
    alone: dict[str, Row] = {}
    for customer_id in {order["customer_id"] for order in orders}:
        shop.fill([order for order in orders if order["customer_id"] == customer_id])
        alone |= shop.rows("int_returns_matched")
    assert alone == together
