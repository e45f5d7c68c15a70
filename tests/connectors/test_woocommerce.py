"""The connector of WooCommerce: exports of three plugins, and the numbers worked out by hand."""

from pathlib import Path

from connected import EXPORTS, connected


def test_orders(tmp_path: Path) -> None:
    # decimal comma; tax of 20 % on top; the shop is in Berlin
    with connected(
        EXPORTS / "woocommerce",
        "woocommerce",
        salts=tmp_path,
        tables="customers orders",
        raw_timezone="Europe/Berlin",
    ) as ask:
        assert ask(
            "select order_id, amount::text, discount_amount::text, refunded_amount::text, status "
            "from staging.stg_orders where source_name = 'woocommerce' order by order_id"
        ) == [
            # 1086 less 181 tax and 5 delivery is 900, after a discount of 100
            ("woocommerce-101", "1000.00", "100.00", None, "completed"),
            ("woocommerce-102", "50.00", "0.00", None, "completed"),
            ("woocommerce-103", "20.00", "0.00", None, "pending"),
            ("woocommerce-104", "10.00", "0.00", None, "pending"),
            ("woocommerce-105", "10.00", "0.00", None, "cancelled"),
            ("woocommerce-106", "10.00", "0.00", None, "cancelled"),
            # 54 was paid back, of which 40 for goods
            ("woocommerce-107", "40.00", "0.00", "40.00", "refunded"),
            # a quarter of 60 was paid back, so a quarter of the goods
            ("woocommerce-108", "40.00", "0.00", "10.00", "completed"),
            # 109 is a draft, 110 is in the trash; a coupon paid for all of 111
            ("woocommerce-111", "25.00", "25.00", None, "completed"),
            # as the later file has it: refunded without a sum, which is all of it
            ("woocommerce-112", "10.00", "0.00", None, "refunded"),
            ("woocommerce-114", "12.50", "0.00", None, "completed"),
        ]
        # the status of 113 is of another plugin
        assert ask(
            "select order_id, rejection_reasons from restricted.base_orders "
            "where rejection_reasons is not null"
        ) == [("woocommerce-113", "unknown_status")]
        # half past midnight in Berlin, and ten o'clock in summer
        assert ask(
            "select order_id, ordered_at::text from staging.stg_orders "
            "where order_id in ('woocommerce-101', 'woocommerce-114') order by order_id"
        ) == [
            ("woocommerce-101", "2025-01-31 23:30:00"),
            ("woocommerce-114", "2025-07-01 08:00:00"),
        ]
        # the other two plugins, of shops that number alike
        assert ask(
            "select order_id, amount::text, discount_amount::text, refunded_amount::text, status, "
            "tax_amount::text from staging.stg_orders "
            "where source_name <> 'woocommerce' order by order_id"
        ) == [
            # 25 was paid after a negative fee of 5; 5 and 2.50 were paid back
            ("second-101", "30.00", "5.00", "7.50", "completed", "0.00"),
            # 17 less 4 delivery and 3 for the wrap
            ("second-102", "10.00", "0.00", None, "completed", "0.00"),
            # a row per line; 15 less 5 delivery, after a discount of 2
            ("third-101", "12.00", "2.00", None, "pending", "0.00"),
            ("third-102", "8.00", "0.00", "4.00", "completed", "0.00"),
        ]
        # the two rows of 101 are one order
        assert ask("select count(*) from restricted.base_orders where order_id = 'third-101'") == [
            (1,)
        ]
        # Anna is one person in two shops; 0 is nobody's key, so Dana is known by her phone number
        assert ask(
            "select c.source_customer_id, c.full_name, count(o.order_id) "
            "from restricted.base_customers as c "
            "left join staging.stg_orders as o using (customer_id) group by all order by 2"
        ) == [
            ("7", "Anna Muster", 3),
            (None, "Ben Beispiel", 4),
            ("9", "Carla Caso", 2),
            (None, "Dana Dorn", 2),
            ("7", "Eva Ernst", 1),
            (None, "Finn Fall", 1),
            (None, "Gina Gross", 1),
        ]
        # a failed order of a guest who left nothing
        assert ask("select order_id from staging.stg_orders where customer_id is null") == [
            ("woocommerce-106",)
        ]
