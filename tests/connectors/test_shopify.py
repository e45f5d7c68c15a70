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
        # one more picture does not make a product, and a gift card is not a product
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


def test_exports_that_differ(tmp_path: Path) -> None:
    orders = (
        "Id,Name,Email,Financial Status,Created at,Subtotal,Shipping,Taxes,Total,Discount Amount,"
        "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Vendor"
    )
    products = "Handle,Title,Type,Variant SKU,Gift Card,Cost per item"
    customers = "Customer ID,First Name,Last Name,Email,Default Address Phone,Phone"
    files = {
        "north/orders.csv": [
            orders,
            # prices include tax of 20 %, and the discount is that of the delivery
            "1,#1,kim@example.com,Paid,2025-01-05,24,6,4,24,6,1,Tea,24,TEA,V",
            # without a subtotal
            "2,#2,kim@example.com,paid,2025-01-05,,0,2,12,0,1,Tea,12,TEA,V",
            # on top of the prices there is as much tax as there is a discount on the delivery
            "3,#3,kim@example.com,paid,2025-01-05,24,6,6,30,6,1,Tea,24,TEA,V",
            # the id on every row
            "4,#4,kim@example.com,paid,2025-01-05,20,0,0,20,0,1,Tea,10,TEA,V",
            "4,#4,kim@example.com,paid,2025-01-05,20,0,0,20,0,1,Cup,10,CUP,V",
            # named like a gift card, which the products deny
            "5,#5,kim@example.com,paid,2025-01-05,7,0,0,7,0,1,Gift card box,7,BOX,V",
            # without a price of its line
            "6,#6,kim@example.com,paid,2025-01-05,8,0,0,8,0,1,Tea,,TEA,V",
        ],
        "north/products_1.csv": [products, "tea,Tea,Tea,TEA,false,5", "box,Box,Box,BOX,false,1"],
        "north/products_2.csv": [products, "tea,Tea,Tea,TEA,false,4"],
        # another shop's product
        "south/products.csv": [products, "voucher,Voucher,Tea,TEA,true,50"],
        "north/customers.csv": [customers, "'7,Lee,Long,,+49 30 1111111,+49 30 2222222"],
        "south/orders.csv": [
            "Id,Name,Phone,Created at,Lineitem quantity,Lineitem name,Lineitem price",
            "1,#1,+49 30 2222222,2025-01-05,1,Pot,50",
        ],
    }
    for name, rows in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n".join(rows), encoding="utf-8")
    with connected(tmp_path, "shopify", salts=tmp_path, tables=TABLES) as ask:
        assert ask(
            "select order_id, amount::text, discount_amount::text, cost_amount::text, status "
            "from staging.stg_orders order by order_id"
        ) == [
            ("north-1", "20.00", "0.00", "4.00", "completed"),
            ("north-2", "10.00", "0.00", "4.00", "completed"),
            ("north-3", "24.00", "0.00", "4.00", "completed"),
            ("north-4", "20.00", "0.00", None, "completed"),
            ("north-5", "7.00", "0.00", "1.00", "completed"),
            ("south-1", "50.00", "0.00", None, "completed"),
        ]
        assert ask(
            "select order_id, sum(amount)::text from staging.stg_order_lines "
            "where order_id = 'north-4' group by all"
        ) == [("north-4", "20.00")]
        assert ask(
            "select order_id, rejection_reasons from restricted.base_orders where not is_accepted"
        ) == [("north-6", "missing_amount")]
        # a customer's own number counts before that of the address
        assert ask(
            "select c.full_name from staging.stg_orders as o "
            "inner join restricted.base_customers as c using (customer_id) "
            "where o.order_id = 'south-1'"
        ) == [("Lee Long",)]
