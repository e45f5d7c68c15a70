"""The connector of Square: an items detail with its quirks, and the numbers worked out by hand."""

from pathlib import Path

from connected import EXPORTS, connected

TABLES = "customers orders order_lines products"


def test_items_become_orders(tmp_path: Path) -> None:
    # the two files overlap by TxI9; the later one is older in form, with dates of the US
    with connected(EXPORTS / "square", "square", salts=tmp_path, tables=TABLES) as ask:
        assert ask(
            "select order_id, amount::text, discount_amount::text, refunded_amount::text, status "
            "from staging.stg_orders order by order_id"
        ) == [
            # 10 and 1,020, less 1
            ("square-TxA1", "1030.00", "1.00", None, "completed"),
            # two equal lines of 3
            ("square-TxB2", "6.00", "0.00", None, "completed"),
            ("square-TxC3", "5.00", "0.00", None, "completed"),
            # a refund of an unknown sale: 5, less 0.50 that had been off
            ("square-TxD4", "4.50", None, None, "completed"),
            # TxE5 is a gift card alone, and so is TxJ0 in the older form; TxF6 has one beside 3
            ("square-TxF6", "3.00", "0.00", None, "completed"),
            # the later file takes back all of it
            ("square-TxH8", "20.00", "2.00", "18.00", "refunded"),
            ("square-TxI9", "20.00", "0.00", None, "completed"),
            ("square-TxK1", "7.50", "0.00", None, "completed"),
            ("square-TxL2", "5.00", "0.00", "2.00", "completed"),
        ]
        assert ask(
            "select order_id, order_type, ordered_at::text, tax_amount::text "
            "from staging.stg_orders order by order_id"
        ) == [
            # half past eleven in New York is the next day in UTC
            ("square-TxA1", "sale", "2026-02-01 04:30:00", "82.32"),
            ("square-TxB2", "sale", "2026-02-02 14:00:00", "0.48"),
            ("square-TxC3", "sale", "2026-02-03 18:00:00", "0.40"),
            ("square-TxD4", "return", "2026-02-04 16:00:00", "0.36"),
            ("square-TxF6", "sale", "2026-02-06 17:00:00", "0.24"),
            # summer time
            ("square-TxH8", "sale", "2026-03-30 14:00:00", "1.44"),
            ("square-TxI9", "sale", "2026-03-31 14:00:00", "1.60"),
            # London and Tokyo
            ("square-TxK1", "sale", "2026-04-04 09:00:00", "0.00"),
            ("square-TxL2", "sale", "2026-04-05 01:00:00", "0.40"),
        ]
        assert ask(
            "select order_id, refunded_at::text from staging.stg_orders "
            "where refunded_at is not null order by order_id"
        ) == [("square-TxH8", "2026-04-02 14:00:00"), ("square-TxL2", "2026-04-05 01:00:00")]
        # there is no zone of Mars
        assert ask(
            "select order_id, rejection_reasons from restricted.base_orders "
            "where rejection_reasons is not null"
        ) == [("square-TxG7", "missing_ordered_at")]

        assert ask(
            "select order_id, line_number, product_id, quantity::text, amount::text "
            "from staging.stg_order_lines "
            "where order_id < 'square-TxC' or order_id = 'square-TxD4' order by 1, 2"
        ) == [
            ("square-TxA1", 1, "LAT-L", "2.0000", "10.00"),
            ("square-TxA1", 2, "Mug", "1.0000", "1020.00"),
            ("square-TxB2", 1, "Espresso", "1.0000", "3.00"),
            ("square-TxB2", 2, "Espresso", "1.0000", "3.00"),
            ("square-TxD4", 1, "LAT-L", "1.0000", "4.50"),
        ]
        # None and Uncategorized are no category
        assert ask(
            "select product_id, product_name, product_category from staging.stg_products order by 1"
        ) == [
            ("BEAN", "Beans", "Coffee"),
            ("Custom Amount", "Custom Amount", None),
            ("Espresso", "Espresso", "Coffee"),
            ("LAT-L", "Latte", "Coffee"),
            ("Mug", "Mug", None),
        ]
        # only who is in the directory is known
        assert ask(
            "select c.source_customer_id, c.full_name, count(o.order_id) "
            "from restricted.base_customers as c "
            "left join staging.stg_orders as o using (customer_id) group by all order by 1"
        ) == [("CUST1", "Anna Muster", 3), ("CUST2", "Ben Beispiel", 2)]
        assert ask(
            "select sales_channel, count(*) from staging.stg_orders group by all order by 1"
        ) == [("Harbour", 3), ("Main Street", 6)]


def test_a_sale_that_two_files_write_in_two_ways(tmp_path: Path) -> None:
    header = "Date,Time,Time Zone,Category,Item,Qty,Discounts,Net Sales,Transaction ID,Event Type\n"
    for name, row in (
        # the same moment, and no discount
        ("1.csv", "2026-01-31,10:30:00,Eastern Time (US & Canada),A,Latte,1,$0.00,$9.00"),
        ("2.csv", "1/31/2026,7:30,Pacific Time (US & Canada),A,Latte,1,,$9.00"),
    ):
        (tmp_path / name).write_text(f"{header}{row},Tx1,Payment\n", encoding="utf-8")
    with connected(tmp_path, "square", salts=tmp_path, tables="orders order_lines") as ask:
        assert ask(
            "select ordered_at::text, amount::text, discount_amount::text from staging.stg_orders"
        ) == [("2026-01-31 15:30:00", "9.00", "0.00")]
        assert ask("select amount::text from staging.stg_order_lines") == [("9.00",)]
