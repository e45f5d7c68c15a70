"""The connector of Shopify: an export with its quirks, and the numbers worked out by hand."""

from pathlib import Path

import pytest
from connected import EXPORTS, connected

TABLES = "customers orders order_lines products"


def test_orders(tmp_path: Path) -> None:
    # prices include tax of 20 %, but for #1008 (tax on top) and #1009 (none)
    with connected(EXPORTS / "shopify", "shopify", salts=tmp_path) as ask:
        assert ask(
            "select order_id, ordered_at::text, amount::text, discount_amount::text, "
            "refunded_amount::text, status from staging.stg_orders order by order_id"
        ) == [
            # 24 + 36 = 60, less 6 off, both without tax; half past midnight in Berlin
            ("shopify-5001", "2025-01-31 23:30:00", "50.00", "5.00", None, "completed"),
            # a quarter of it was paid back
            ("shopify-5002", "2025-02-10 11:00:00", "40.00", "0.00", "10.00", "completed"),
            ("shopify-5003", "2025-02-11 08:00:00", "10.00", "0.00", None, "cancelled"),
            # without its gift card
            ("shopify-5004", "2025-02-20 17:00:00", "10.00", "0.00", None, "completed"),
            # cash on delivery
            ("shopify-5006", "2025-03-01 19:00:00", "30.00", "0.00", None, "pending"),
            ("shopify-5007", "2025-03-02 09:00:00", "30.00", "0.00", "30.00", "refunded"),
            # without its tip
            ("shopify-5008", "2025-03-05 09:00:00", "12.00", "0.00", None, "completed"),
            # the discount was on the delivery
            ("shopify-5009", "2025-03-08 09:00:00", "25.00", "0.00", None, "completed"),
            # as the later file has it
            ("shopify-5011", "2025-03-10 09:00:00", "10.00", "0.00", "10.00", "refunded"),
            ("shopify-5012", "2025-04-01 08:00:00", "20.00", "0.00", None, "completed"),
        ]
        # only a refund in the transactions that succeeded has a time
        assert ask(
            "select order_id, refunded_at::text from staging.stg_orders "
            "where refunded_at is not null order by order_id"
        ) == [("shopify-5002", "2025-03-05 14:00:00"), ("shopify-5007", "2025-03-10 10:00:00")]


def test_lines_products_and_people(tmp_path: Path) -> None:
    with connected(EXPORTS / "shopify", "shopify", salts=tmp_path, tables=TABLES) as ask:
        assert ask(
            "select line_number, product_id, quantity::int, amount::text, cost_amount::text "
            "from staging.stg_order_lines where order_id = 'shopify-5001' order by line_number"
        ) == [(1, "TEA-1", 2, "20.00", "8.00"), (2, "CUP-1", 1, "30.00", None)]
        # a picture more is no product more, and a gift card is none
        assert ask("select product_id, product_category from staging.stg_products order by 1") == [
            ("CUP-1", "Dishes"),
            ("POT-1", "Dishes"),
            ("Saucer", None),
            ("TEA-1", "Tea"),
        ]
        # Anna, Ben and Nora have an id; Dana is known by a phone number, written in two ways
        assert ask(
            "select c.source_customer_id, c.full_name, count(o.order_id) "
            "from restricted.base_customers as c "
            "left join staging.stg_orders as o using (customer_id) group by all order by 2"
        ) == [
            ("7001", "Anna Muster", 3),
            ("7002", "Ben Beispiel", 3),
            (None, "Carla Caso", 1),
            (None, "Dana Dorn", 2),
            (None, "Eva Ernst", 0),
            ("7003", "Nora Neu", 0),
        ]
        assert ask("select count(*) from staging.stg_orders where customer_id is null") == [(1,)]


def test_the_orders_alone_give_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    for file in EXPORTS.glob("shopify/orders_*.csv"):
        (tmp_path / "alone" / file.name).write_bytes(file.read_bytes())
    # that a voucher is a gift card only the products say
    keys = (
        "select order_id, customer_id from staging.stg_orders "
        "where order_id <> 'shopify-5010' order by all"
    )
    found = []
    for folder in (EXPORTS / "shopify", tmp_path / "alone"):
        with connected(folder, "shopify", salts=tmp_path) as ask:
            found.append(ask(keys))
    assert found[0] == found[1]


def test_delivered_orders_can_count_as_paid(tmp_path: Path) -> None:
    counted = {"delivered_unpaid_counts_as": "completed"}
    with connected(EXPORTS / "shopify", "shopify", salts=tmp_path, **counted) as ask:
        assert ask("select status from staging.stg_orders where order_id = 'shopify-5006'") == [
            ("completed",)
        ]


@pytest.mark.parametrize("is_sorted", [False, True])
def test_two_shops_that_number_alike(tmp_path: Path, is_sorted: bool) -> None:
    header = "Id,Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price,Currency"
    for shop, order, price in (("north", 1, 10), ("south", 2, 30)):
        rows = [
            f"{order},#1001,kim@example.com,2025-01-05 10:00:00 +0000,1,Cup,{price},EUR",
            ",#1001,kim@example.com,2025-01-05 10:00:00 +0000,1,Pot,50,",
            f"{order}0,#1002,lee@example.com,2025-01-06 10:00:00 +0000,1,Cup,{price},EUR",
        ]
        rows = sorted(rows) if is_sorted else rows
        (tmp_path / shop).mkdir()
        (tmp_path / shop / "orders.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    with connected(tmp_path, "shopify", salts=tmp_path) as ask:
        assert ask(
            "select order_id, source_name, amount::int from staging.stg_orders order by 1"
        ) == [
            ("north-1", "north", 60),
            ("north-10", "north", 10),
            ("south-2", "south", 80),
            ("south-20", "south", 30),
        ]
