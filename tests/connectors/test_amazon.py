"""The connector of Amazon: both reports, each alone, and prices that include tax."""

from pathlib import Path

from connected import EXPORTS, connected

BOTH = EXPORTS / "amazon"


def test_all_orders_and_the_refunds_of_the_date_range_report(tmp_path: Path) -> None:
    with connected(BOTH, "amazon", salts=tmp_path, tables="orders order_lines products") as ask:
        assert ask(
            "select order_id, ordered_at::text, status, amount::text, discount_amount::text, "
            "refunded_amount::text from staging.stg_orders where order_type = 'sale' order by 1"
        ) == [
            # two for 24 less 4 and one for 10; of one, 12 less 2 were paid back, in two reports
            ("amazon-111-0000001", "2026-02-01 07:30:00", "completed", "34.00", "4.00", "10.00"),
            # its second item was cancelled
            ("amazon-111-0000002", "2026-02-03 17:00:00", "completed", "12.00", "0.00", None),
            ("amazon-111-0000003", "2026-02-05 17:00:00", "cancelled", "0.00", "0.00", None),
            ("amazon-111-0000004", "2026-02-27 17:00:00", "pending", "0.00", "0.00", None),
            ("amazon-111-0000005", "2026-02-27 18:00:00", "pending", "12.00", "0.00", None),
            # as the report with the later update has it, not the later name; a claim of 15 for 12
            ("amazon-111-0000006", "2026-02-28 18:00:00", "completed", "12.00", "0.00", "12.00"),
            # older than All Orders: 1,200 with free delivery, and 10 less a promotion of 3
            ("amazon-111-0000009", "2025-12-31 00:00:00", "completed", "1210.00", "3.00", None),
        ]
        # a refund of an order of another year
        assert ask(
            "select order_id, ordered_at::text, amount::text from staging.stg_orders "
            "where order_type = 'return'"
        ) == [("amazon-111-0000010-refund", "2026-01-05 22:00:00", "-12.00")]
        # 1:05:07 PST and PDT
        assert ask(
            "select refunded_at::text from staging.stg_orders "
            "where refunded_at is not null order by 1"
        ) == [("2026-02-09 09:05:07",), ("2026-04-09 08:05:07",)]
        assert ask(
            "select product_id, quantity::int, amount::text from staging.stg_order_lines "
            "where order_id in ('amazon-111-0000001', 'amazon-111-0000002') "
            "order by order_id, line_number"
        ) == [("MUG-1", 2, "24.00"), ("TEA-1", 1, "10.00"), ("MUG-1", 1, "12.00")]
        # the teapot was cancelled
        assert ask("select product_id, product_name from staging.stg_products order by 1") == [
            ("MUG-1", 'Mug, 12" tall'),
            ("TEA-1", "Green tea"),
        ]
        assert ask("select count(customer_id) from staging.stg_orders") == [(0,)]


def test_the_date_range_report_alone(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    for file in BOTH.glob("*.csv"):
        (tmp_path / "alone" / file.name).write_bytes(file.read_bytes())
    with connected(tmp_path / "alone", "amazon", salts=tmp_path) as ask:
        assert ask(
            "select order_id, ordered_at::text, currency, amount::text, discount_amount::text, "
            "refunded_amount::text from staging.stg_orders order by order_id"
        ) == [
            # dated by its payment, 10:01 PST
            ("amazon-111-0000001", "2026-02-02 18:01:00", "USD", "34.00", "4.00", "10.00"),
            # refunds of orders that this report does not have
            ("amazon-111-0000006-refund", "2026-04-09 08:05:07", "USD", "-15.00", "0.00", None),
            ("amazon-111-0000009", "2025-12-31 00:00:00", "USD", "1210.00", "3.00", None),
            ("amazon-111-0000010-refund", "2026-01-05 22:00:00", "USD", "-12.00", "0.00", None),
        ]


def test_prices_that_include_tax(tmp_path: Path) -> None:
    header = (
        "amazon-order-id,purchase-date,order-status,sales-channel,sku,item-status,quantity,"
        "currency,item-price,item-tax,vat-exclusive-item-price,item-promotion-discount"
    )
    rows = (
        # 119 with 19 of tax, and a tenth of it off
        "303-1,2026-02-01T10:00:00+00:00,Shipped,Amazon.de,A,Shipped,1,EUR,119.0,19.0,,11.9",
        # the buyer sent it back at the door
        "303-2,2026-02-02T10:00:00+00:00,Shipped - Rejected by Buyer,Amazon.de,A,Shipped,1,EUR,"
        "119.0,,100.0,",
    )
    text = "\n".join([header, *rows]).replace(",", "\t")
    (tmp_path / "orders.txt").write_text(text, encoding="utf-8")
    with connected(tmp_path, "amazon", salts=tmp_path) as ask:
        assert ask(
            "select order_id, status, amount::text, discount_amount::text, "
            "tax_amount::text from staging.stg_orders order by order_id"
        ) == [
            ("amazon-303-1", "completed", "100.00", "10.00", "19.00"),
            ("amazon-303-2", "refunded", "100.00", "0.00", None),
        ]


def test_orders_that_were_paid_after_all_orders_was_made(tmp_path: Path) -> None:
    orders = (
        "amazon-order-id,purchase-date,order-status,sales-channel,sku,quantity,currency,item-price"
    )
    (tmp_path / "orders.txt").write_text(
        "\n".join(
            [
                orders,
                "111-1,2026-02-27T10:00:00+00:00,Pending,Amazon.com,A,1,,",
                "111-2,2026-02-27T10:00:00+00:00,Unshipped,Amazon.com,A,1,USD,12",
                "111-3,2026-02-27T10:00:00+00:00,Pending,Amazon.com,A,1,,",
            ]
        ).replace(",", "\t"),
        encoding="utf-8",
    )
    (tmp_path / "payments.csv").write_text(
        "\n".join(
            [
                "date/time,type,order id,sku,quantity,marketplace,product sales",
                "2026-03-01 10:00:00,Order,111-1,A,1,amazon.com,12",
                "2026-03-09 10:00:00,Refund,111-1,A,1,amazon.com,-12",
                "2026-03-01 10:00:00,Order,111-2,A,1,amazon.com,12",
                # a claim that was taken back, and one whose claim is in an earlier report
                "2026-03-09 10:00:00,A-to-z Guarantee Claim,111-2,A,1,amazon.com,-12",
                "2026-03-10 10:00:00,A-to-z Guarantee Claim,111-2,A,1,amazon.com,12",
                "2026-03-10 10:00:00,A-to-z Guarantee Claim,111-9,A,1,amazon.com,5",
                "2026-03-11 10:00:00,Order,111-4,A,1,amazon.eg,90",
            ]
        ),
        encoding="utf-8",
    )
    with connected(
        tmp_path, "amazon", salts=tmp_path, reporting_currency="USD", tables="orders order_lines"
    ) as ask:
        assert ask(
            "select order_id, order_type, status, currency, amount::text, refunded_amount::text "
            "from restricted.base_orders order by order_id"
        ) == [
            ("amazon-111-1", "sale", "completed", "USD", "12.00", "12.00"),
            ("amazon-111-2", "sale", "completed", "USD", "12.00", None),
            ("amazon-111-3", "sale", "pending", "USD", "0.00", None),
            ("amazon-111-4", "sale", "completed", "EGP", "90.00", None),
            ("amazon-111-9-refund", "sale", "completed", "USD", "5.00", None),
        ]
