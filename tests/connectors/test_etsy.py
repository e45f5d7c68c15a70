"""The connector of Etsy: sold order items with their quirks, and the numbers worked out by hand."""

from pathlib import Path

from connected import EXPORTS, connected

TABLES = "customers orders order_lines products"


def test_items_become_orders(tmp_path: Path) -> None:
    # a bare date is a day of the reporting time zone, five hours after UTC in winter
    with connected(
        EXPORTS / "etsy",
        "etsy",
        salts=tmp_path,
        tables=TABLES,
        reporting_timezone="America/New_York",
    ) as ask:
        assert ask(
            "select order_id, ordered_at::text, amount::text, discount_amount::text, "
            "tax_amount::text, status from staging.stg_orders order by order_id"
        ) == [
            # 20 + 2 * 15, and the discount of the order on its first row
            ("etsy-7001", "2024-01-05 05:00:00", "50.00", "5.00", "0.00", "completed"),
            # 1 February, not 2 January: other dates of the file begin with the month
            ("etsy-7002", "2024-02-01 05:00:00", "15.00", "0.00", "0.00", "completed"),
            ("etsy-7003", "2024-02-03 05:00:00", "12.00", "0.00", "0.75", "completed"),
            ("etsy-7004", "2024-03-01 05:00:00", "12.00", "0.00", "0.00", "completed"),
            # as the later file has it
            ("etsy-7005", "2024-03-02 05:00:00", "12.00", "2.00", "0.00", "completed"),
            # its line is in the file twice
            ("etsy-7006", "2024-12-31 05:00:00", "1150.00", "0.00", "0.00", "completed"),
            ("etsy-7007", "2024-12-30 05:00:00", "16.00", "1.60", "0.00", "completed"),
            # 16 + 2 * 16: without a key, two lines are two
            ("etsy-7008", "2024-12-29 05:00:00", "48.00", "0.00", "0.00", "completed"),
        ]
        assert ask(
            "select order_id, line_number, product_id, quantity::int, amount::text "
            "from staging.stg_order_lines "
            "where order_id in ('etsy-7001', 'etsy-7006') order by 1, 2"
        ) == [
            ("etsy-7001", 1, "RING-7", 1, "20.00"),
            ("etsy-7001", 2, "502", 2, "30.00"),
            ("etsy-7006", 1, "502", 1, "1150.00"),
        ]
        # the title of 502 was reworded
        assert ask("select product_id, product_name from staging.stg_products order by 1") == [
            ("502", "Pendant"),
            ("503", "Brooch"),
            ("RING-7", "Ring, silver"),
        ]
        # Ben writes his username in two ways, and his name is in the orders file alone;
        # that of a gift's receiver is not his
        assert ask(
            "select c.source_customer_id, c.full_name, c.region, count(o.order_id) "
            "from restricted.base_customers as c "
            "left join staging.stg_orders as o using (customer_id) group by all order by 1"
        ) == [
            ("annamakes", "Anna Muster", "United States", 3),
            ("benbuys", "Ben Beispiel", "United States", 2),
            ("x7k2", None, "Canada", 1),
        ]
        # no buyer, and a buyer without a username
        assert ask(
            "select order_id from staging.stg_orders where customer_id is null order by 1"
        ) == [("etsy-7003",), ("etsy-7005",)]


def test_the_items_alone_give_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    for file in EXPORTS.glob("etsy/EtsySoldOrderItems*.csv"):
        (tmp_path / "alone" / file.name).write_bytes(file.read_bytes())
    keys = "select order_id, customer_id from staging.stg_orders order by all"
    found = []
    for folder in (EXPORTS / "etsy", tmp_path / "alone"):
        with connected(folder, "etsy", salts=tmp_path) as ask:
            found.append(ask(keys))
    assert found[0] == found[1]
