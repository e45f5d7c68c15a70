"""The connector of Stripe: three days of subscriptions, and the versions worked out by hand."""

from pathlib import Path

import pytest
from connected import EXPORTS, connected
from lifecycle import build_with_dbt

from python_helpers.core.errors import SettingsError

TABLES = "customers orders subscriptions"
VERSIONS = (
    "select replace(subscription_id, 'stripe-sub_', ''), item_id, started_at::date::text, "
    "ended_at::date::text, amount::text, quantity::int, nullif(discount_amount, 0)::text, status, "
    "paid_through_at::date::text from staging.stg_subscriptions order by 1, 2 nulls first, 3"
)


def test_versions_of_subscriptions(tmp_path: Path) -> None:
    settings = {"tables": TABLES, "reporting_currency": "EUR"}
    with connected(EXPORTS / "stripe", "stripe", salts=tmp_path, **settings) as ask:
        assert ask(VERSIONS) == [
            # two seats more in the file of April
            ("A", None, "2025-01-15", None, "15.00", 4, None, "active", "2025-03-15"),
            ("A", None, "2025-04-01", None, "15.00", 6, None, "active", "2025-05-15"),
            # 25 % of 240; its end is planned
            ("B", None, "2025-02-01", "2026-02-01", "240.00", 1, "60.00", "active", "2026-02-01"),
            # two items, which failed to be paid
            ("C", None, "2025-02-10", "2025-03-20", "20.00", 1, None, "cancelled", None),
            ("C", "price_seat", "2025-02-10", "2025-03-20", "5.00", 3, None, "cancelled", None),
            # its trial ended on the 8th; a coupon for once is no discount on the price
            ("D", None, "2025-03-25", None, "15.00", 2, None, "trialing", None),
            ("D", None, "2025-04-08", None, "15.00", 2, None, "active", "2025-05-08"),
            # yen
            ("G", None, "2025-02-20", None, "1500.00", 1, None, "active", "2025-05-20"),
            # 20 % for two months
            ("H", None, "2025-02-15", None, "20.00", 1, "4.00", "active", "2025-04-15"),
            ("H", None, "2025-04-15", None, "20.00", 1, None, "active", "2025-05-15"),
            # an item was added and left again; the key of the first stays through a new price
            ("K", None, "2025-02-01", None, "20.00", 1, None, "active", "2025-05-01"),
            ("K", None, "2025-05-01", None, "50.00", 1, None, "active", "2025-06-01"),
            ("K", "price_seat", "2025-04-01", "2025-05-01", "5.00", 2, None, "cancelled", None),
            # never paid: what ends the trial has no time of its own
            ("L", None, "2025-03-25", "2025-04-08", "20.00", 1, None, "trialing", None),
            ("L", None, "2025-04-08", "2025-04-08", "20.00", 1, None, "cancelled", None),
            # paused in the file of April alone, with the status active
            ("P", None, "2025-02-01", None, "10.00", 1, None, "active", "2025-03-01"),
            ("P", None, "2025-04-01", None, "10.00", 1, None, "paused", None),
            ("P", None, "2025-05-01", None, "10.00", 1, None, "active", "2025-06-01"),
            # past due, then unpaid, which Stripe does not try again
            ("U", None, "2025-02-05", None, "10.00", 1, None, "active", "2025-03-05"),
            ("U", None, "2025-04-01", "2025-05-01", "10.00", 1, None, "cancelled", None),
            # not listed in May
            ("V", None, "2025-03-01", "2025-05-01", "20.00", 1, None, "cancelled", "2025-05-01"),
            # a trial whose first payment is due and failed
            ("W", None, "2025-03-27", None, "20.00", 1, None, "trialing", None),
            # seen only when it was over
            ("Y", None, "2025-04-05", "2025-04-20", "20.00", 1, None, "cancelled", "2025-05-05"),
            # 3.00 off 20.00 and 2 x 5.00
            ("Z", None, "2025-04-10", None, "20.00", 1, "2.00", "active", "2025-05-10"),
            ("Z", "price_seat", "2025-04-10", None, "5.00", 2, "1.00", "active", "2025-05-10"),
        ]
        assert ask(
            "select distinct replace(subscription_id, 'stripe-sub_', ''), cancel_reason, "
            "is_involuntary, cancel_requested_at::date::text from staging.stg_subscriptions "
            "where cancel_reason is not null order by 1"
        ) == [
            ("B", "too_expensive", False, "2025-03-10"),
            ("C", "payment_failed", True, "2025-03-20"),
            ("L", "cancellation_requested", False, "2025-04-02"),
            ("U", "payment_failed", True, None),
            ("Y", "unused", False, "2025-04-20"),
        ]
        # without drafts and test mode; of in_3, 48 of 240 with tax were paid back: 200 * 48 / 240
        assert ask(
            "select replace(order_id, 'stripe-', ''), amount::text, discount_amount::text, "
            "refunded_amount::text, tax_amount::text, currency, status, subscription_id "
            "from staging.stg_orders order by ordered_at, order_id"
        ) == [
            ("in_1", "60.00", "0.00", None, "12.00", "EUR", "completed", "stripe-sub_A"),
            ("in_2", "240.00", "60.00", None, "36.00", "EUR", "completed", "stripe-sub_B"),
            ("in_3", "200.00", "0.00", "40.00", "40.00", "EUR", "completed", None),
            ("in_4", "100.00", "0.00", None, "20.00", "EUR", "cancelled", None),
            # all of the 120 was credited
            ("in_6", "125.00", "25.00", "100.00", "20.00", "EUR", "refunded", None),
            ("in_7", "50.00", "0.00", None, "10.00", "EUR", "pending", None),
            ("in_10", "7.00", "0.00", None, "1.40", "EUR", "cancelled", None),
            ("in_9", "5000.00", "0.00", None, "500.00", "JPY", "completed", None),
        ]
        # a new address makes nobody new, and an invoice to another address is of the subscriber
        assert ask(
            "select c.source_customer_id, c.email, count(distinct s.subscription_id), "
            "count(distinct o.order_id) from restricted.base_customers as c "
            "left join staging.stg_subscriptions as s using (customer_id) "
            "left join staging.stg_orders as o using (customer_id) "
            "where c.source_customer_id in ('cus_0', 'cus_1', 'cus_2', 'cus_6', 'cus_77') "
            "group by all order by 1"
        ) == [
            ("cus_1", "ann@example.com", 1, 2),
            ("cus_2", "ben@example.com", 1, 2),
            ("cus_6", None, 1, 1),
            ("cus_77", "shop@example.com", 0, 3),
        ]


DASHBOARD = (
    "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Created (UTC),"
    "Start (UTC),Start Date (UTC),Current Period Start (UTC),Current Period End (UTC),"
    "Trial End (UTC),Canceled At (UTC),Ended At (UTC),Cancellation Reason"
)
ROWS = (
    "sub_1,cus_1,kim@example.com,Pro,2,eur,month,33.00,active,2025-01-05 10:00,2025-02-05 10:00,"
    "2025-01-05 10:00,2025-03-05 10:00,2025-04-05 10:00,2025-01-19 10:00,,,",
    "sub_2,cus_2,lee@example.com,Pro,1,eur,month,33.00,canceled,2025-01-07 10:00,2025-01-07 10:00,"
    "2025-01-07 10:00,2025-01-07 10:00,2025-01-21 10:00,2025-01-21 10:00,2025-01-20 10:00,"
    "2025-01-21 10:00,",
)


def test_one_export_of_the_dashboard_needs_no_day(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    export = "\n".join([DASHBOARD, *ROWS])
    (tmp_path / "raw" / "subscriptions.csv").write_text(export, encoding="utf-8")
    with connected(tmp_path / "raw", "stripe", salts=tmp_path, tables="subscriptions") as ask:
        # both began with a trial, which the second never paid for
        assert ask(VERSIONS) == [
            ("1", None, "2025-01-05", None, "33.00", 2, None, "trialing", None),
            ("1", None, "2025-01-19", None, "33.00", 2, None, "active", "2025-04-05"),
            ("2", None, "2025-01-07", "2025-01-21", "33.00", 1, None, "trialing", None),
            ("2", None, "2025-01-21", "2025-01-21", "33.00", 1, None, "cancelled", None),
        ]
    (tmp_path / "raw" / "subscriptions.csv").rename(tmp_path / "raw" / "s_2025-03-01.csv")
    (tmp_path / "raw" / "s_2025-13-01.csv").write_text(export, encoding="utf-8")
    with (
        pytest.raises(SettingsError, match="has no day in its name"),
        connected(tmp_path / "raw", "stripe", salts=tmp_path, tables="subscriptions"),
    ):
        pass


API = (
    "id,customer,customer_email,status,current_period_end,items.price.id,items.price.unit_amount,"
    "items.price.recurring.interval,currency,start_date,discount.coupon.percent_off\n"
)
INVOICES = (
    "id,customer,customer_email,status,created,currency,subtotal_excluding_tax,"
    "total_excluding_tax,total,post_payment_credit_notes_amount\n"
)


def test_what_an_export_lacks_loses_no_money_and_merges_nobody(tmp_path: Path) -> None:
    (tmp_path / "subscriptions.csv").write_text(
        # how long its discount lasts is not said
        API + "sub_1,,kim@example.com,active,2025-04-05,pro,1000,month,eur,2025-01-05,20\n"
        # nor when it ended
        "sub_2,,lee@example.com,Canceled,2025-04-05,pro,1000,month,eur,2025-01-05,\n"
        "sub_3,cus_3,,,2025-04-05,pro,1000,month,eur,2025-01-05,\n",
        encoding="utf-8",
    )
    (tmp_path / "invoices.csv").write_text(
        INVOICES + "in_1,,kim@example.com,Paid,2025-02-01,eur,1000,1000,1200,0\n"
        "in_2,,lee@example.com,paid,2025-02-01,eur,1500,,1200,600\n"
        "in_3,,mia@example.com,,2025-02-01,eur,1000,1000,1200,0\n",
        encoding="utf-8",
    )
    with connected(tmp_path, "stripe", salts=tmp_path, tables="orders subscriptions") as ask:
        assert ask(VERSIONS) == [
            ("1", None, "2025-01-05", None, "10.00", 1, "2.00", "active", "2025-04-05"),
            ("2", None, "2025-01-05", "2025-04-05", "10.00", 1, None, "cancelled", "2025-04-05"),
            ("3", None, "2025-01-05", None, "10.00", 1, None, None, None),
        ]
        # without an amount before tax, all of it is the price; half of that was paid back
        assert ask(
            "select order_id, amount::text, discount_amount::text, refunded_amount::text, status "
            "from staging.stg_orders order by 1"
        ) == [
            ("stripe-in_1", "10.00", "0.00", None, "completed"),
            ("stripe-in_2", "15.00", "3.00", "6.00", "completed"),
            ("stripe-in_3", "10.00", "0.00", None, "pending"),
        ]
        assert ask(
            "select (select count(distinct customer_id) from staging.stg_subscriptions), "
            "(select count(distinct customer_id) from staging.stg_orders)"
        ) == [(3, 3)]


@pytest.mark.long
def test_recurring_revenue_is_that_of_the_guide(tmp_path: Path) -> None:
    (tmp_path / "salt").write_text("0" * 64, encoding="utf-8")
    settings = {
        "RAW_INPUT": "stripe",
        "RAW_DATA_DIR": EXPORTS / "stripe",
        "ERASURES_DIR": tmp_path,
        "AS_OF_DATE": "2025-05-31",
    }
    marts = ["+fct_mrr_movements", "+base_customers"]
    with build_with_dbt(folder=tmp_path, select=marts, **settings) as built:
        found = built.execute(
            "select source_customer_id, moved_on::text, mrr_change_amount::text "
            "from marts.fct_mrr_movements join restricted.base_customers using (customer_id) "
            "where source_customer_id in ('cus_1', 'cus_2', 'cus_3', 'cus_4', 'cus_9', 'cus_14') "
            "order by all"
        ).fetchall()
    # 60 + 15 + 35 = 110 in March; two seats more, and a churn; never a trial
    assert found == [
        ("cus_1", "2025-01-15", "60.00"),
        ("cus_1", "2025-04-01", "30.00"),
        ("cus_2", "2025-02-01", "15.00"),
        ("cus_3", "2025-02-10", "35.00"),
        ("cus_3", "2025-03-20", "-35.00"),
        ("cus_4", "2025-04-08", "30.00"),
    ]
