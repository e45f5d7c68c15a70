"""The connector of the tables that Fivetran copies from Stripe."""

from pathlib import Path

import pytest
from connected import EXPORTS, connected

from python_helpers.delivery.standins import CompilerError

TABLES = """
create schema stripe;
create table stripe.subscription_history as from (values
    ('sub_A', true, '2025-01-15', 'cus_1', 'active', null, null, null, null, null, true),
    -- a trial that became paid
    ('sub_D', false, '2025-03-25', 'cus_4', 'trialing', '2025-04-08', null, null, null, null, true),
    ('sub_D', true, '2025-04-08', 'cus_4', 'active', '2025-04-08', null, null, null, null, true),
    -- a trial that ended unpaid
    ('sub_L', false, '2025-03-25', 'cus_9', 'trialing', '2025-04-08', null, null, null, null, true),
    ('sub_L', true, '2025-04-08', 'cus_9', 'canceled', '2025-04-08', '2025-04-02', '2025-04-08',
        'cancellation_requested', null, true),
    -- paused and resumed, then not paid
    ('sub_P', false, '2025-02-01', 'cus_11', 'active', null, null, null, null, null, true),
    ('sub_P', false, '2025-04-07', 'cus_11', 'active', null, null, null, null, 'void', true),
    ('sub_P', false, '2025-04-20', 'cus_11', 'active', null, null, null, null, null, true),
    ('sub_P', false, '2025-05-01', 'cus_11', 'past_due', null, null, null, null, null, true),
    ('sub_P', true, '2025-05-15', 'cus_11', 'canceled', null, '2025-05-15', '2025-05-15',
        'payment_failed', null, true),
    ('sub_E', true, '2025-03-25', 'cus_5', 'incomplete', null, null, null, null, null, true),
    ('sub_T', true, '2025-03-25', 'cus_0', 'active', null, null, null, null, null, false)
) as rows (id, _fivetran_active, _fivetran_start, customer_id, status, trial_end, canceled_at,
    ended_at, cancellation_details_reason, pause_collection_behavior, livemode);
alter table stripe.subscription_history add column _fivetran_synced timestamptz;
update stripe.subscription_history set _fivetran_synced = '2025-06-01';
alter table stripe.subscription_history add column start_date timestamptz;
update stripe.subscription_history as h set start_date =
    (select min(_fivetran_start) from stripe.subscription_history where id = h.id);
alter table stripe.subscription_history add column created timestamptz;
update stripe.subscription_history set created = start_date;
create table stripe.subscription_item as from (values
    ('si_1', 'sub_A', 'team', 4, timestamptz '2025-01-15', timestamptz '2025-06-15'),
    -- added in March
    ('si_2', 'sub_A', 'seat', 2, timestamptz '2025-03-10', timestamptz '2025-06-15'),
    ('si_3', 'sub_D', 'team', 2, timestamptz '2025-03-25', timestamptz '2025-06-08'),
    ('si_4', 'sub_L', 'team', 1, timestamptz '2025-03-25', timestamptz '2025-04-08'),
    ('si_5', 'sub_P', 'small', 1, timestamptz '2025-02-01', timestamptz '2025-06-01'),
    ('si_6', 'sub_T', 'team', 9, timestamptz '2025-03-25', timestamptz '2025-06-01')
) as rows (id, subscription_id, plan_id, quantity, created, current_period_end);
create table stripe.plan as from (values
    ('team', 1500, 'eur', 'month', 1), ('seat', 500, 'eur', 'month', 1),
    ('small', 1000, 'eur', 'month', 1)
) as rows (id, amount, currency, "interval", interval_count);
create table stripe.coupon as from (values
    ('ten', 'repeating', 10.0, null::bigint), ('free', 'once', 100.0, null)
) as rows (id, duration, percent_off, amount_off);
create table stripe.subscription_discount as from (values
    ('sub_A', 'ten', '2025-02-15', '2025-05-15'), ('sub_D', 'free', '2025-03-25', null)
) as rows (subscription_id, coupon_id, "start", "end");
alter table stripe.subscription_discount add column invoice_id varchar;
create table stripe.customer as from (values
    ('cus_1', timestamptz '2025-01-10', 'Ann@example.com', 'Ann', 'DE', true),
    ('cus_0', timestamptz '2025-01-10', 'test@example.com', 'Test', 'DE', false)
) as rows (id, created, email, name, address_country, livemode);
create table stripe.invoice as from (values
    ('in_1', 'cus_1', 'paid', timestamptz '2025-01-15', 'eur', 6000, 1200, 7200, 0),
    -- no subscription's, and a quarter of it was credited
    ('in_3', 'cus_1', 'paid', timestamptz '2025-03-12', 'eur', 25000, 4000, 24000, 6000),
    ('in_5', 'cus_1', 'draft', timestamptz '2025-03-13', 'eur', 900, 0, 900, 0)
) as rows (id, customer_id, status, created, currency, subtotal, tax, total,
    post_payment_credit_notes_amount);
create table stripe.invoice_line_item as from (values ('in_1', 'sub_A'), ('in_3', null))
    as rows (invoice_id, subscription_id);
"""
VERSIONS = """
    select replace(subscription_id, 'stripe-sub_', ''), item_id, started_at::date::text,
        ended_at::date::text, amount::text, quantity::int, nullif(discount_amount, 0)::text,
        status, paid_through_at::date::text
    from staging.stg_subscriptions order by 1, 2, 3
"""


def test_history_gives_the_true_versions(tmp_path: Path) -> None:
    settings = {"tables": "customers orders subscriptions", "before": TABLES}
    with connected(tmp_path, "fivetran_stripe", salts=tmp_path, **settings) as ask:
        assert ask(VERSIONS) == [
            # 10 % of 60.00, from February to May
            ("A", "si_1", "2025-01-15", None, "15.00", 4, None, "active", "2025-06-15"),
            ("A", "si_1", "2025-02-15", None, "15.00", 4, "6.00", "active", "2025-06-15"),
            ("A", "si_1", "2025-05-15", None, "15.00", 4, None, "active", "2025-06-15"),
            # 10 % of 10.00, until May
            ("A", "si_2", "2025-03-10", None, "5.00", 2, "1.00", "active", "2025-06-15"),
            ("A", "si_2", "2025-05-15", None, "5.00", 2, None, "active", "2025-06-15"),
            ("D", "si_3", "2025-03-25", None, "15.00", 2, None, "trialing", None),
            ("D", "si_3", "2025-04-08", None, "15.00", 2, None, "active", "2025-06-08"),
            ("L", "si_4", "2025-03-25", "2025-04-08", "15.00", 1, None, "trialing", None),
            ("L", "si_4", "2025-04-08", "2025-04-08", "15.00", 1, None, "cancelled", None),
            ("P", "si_5", "2025-02-01", None, "10.00", 1, None, "active", None),
            ("P", "si_5", "2025-04-07", None, "10.00", 1, None, "paused", None),
            ("P", "si_5", "2025-04-20", None, "10.00", 1, None, "active", None),
            ("P", "si_5", "2025-05-01", "2025-05-15", "10.00", 1, None, "cancelled", None),
        ]
        # a quarter of the 200.00 without tax
        assert ask(
            "select order_id, amount::text, discount_amount::text, refunded_amount::text, "
            "status, subscription_id from staging.stg_orders order by 1"
        ) == [
            ("stripe-in_1", "60.00", "0.00", None, "completed", "stripe-sub_A"),
            ("stripe-in_3", "250.00", "50.00", "50.00", "completed", None),
        ]
        # test mode is left out, and one whose payment failed at once is known
        assert ask(
            "select string_agg(source_customer_id, ' ' order by source_customer_id) "
            "from restricted.base_customers"
        ) == [("cus_1 cus_11 cus_4 cus_5 cus_9",)]
        key = ask("select customer_id from restricted.base_customers where full_name = 'Ann'")
    # the same person has the same key in the files of Stripe
    settings = {"tables": "subscriptions", "reporting_currency": "EUR"}
    with connected(EXPORTS / "stripe", "stripe", salts=tmp_path, **settings) as ask:
        assert key == ask(
            "select distinct customer_id from staging.stg_subscriptions "
            "where subscription_id = 'stripe-sub_A'"
        )


def test_without_history_the_present_state_has_its_trial(tmp_path: Path) -> None:
    before = TABLES + (
        "alter table stripe.subscription_history drop column _fivetran_start; "
        # how long the coupon lasts, and what became of an invoice, is not known
        "update stripe.coupon set duration = null where id = 'ten'; "
        "update stripe.invoice set status = case when id = 'in_1' then 'Paid' end;"
    )
    settings = {"tables": "orders subscriptions", "before": before}
    with connected(tmp_path, "fivetran_stripe", salts=tmp_path, **settings) as ask:
        assert ask(
            "select count(*) from staging.stg_subscriptions where discount_amount in (6, 1)"
        ) == [(2,)]
        assert ask("select order_id, status from staging.stg_orders order by 1") == [
            ("stripe-in_1", "completed"),
            ("stripe-in_3", "pending"),
            ("stripe-in_5", "pending"),
        ]
        assert [row for row in ask(VERSIONS) if row[0] in "DLP"] == [
            ("D", "si_3", "2025-03-25", None, "15.00", 2, None, "trialing", None),
            ("D", "si_3", "2025-04-08", None, "15.00", 2, None, "active", "2025-06-08"),
            ("L", "si_4", "2025-03-25", "2025-04-08", "15.00", 1, None, "trialing", None),
            ("L", "si_4", "2025-04-08", "2025-04-08", "15.00", 1, None, "cancelled", None),
            ("P", "si_5", "2025-02-01", "2025-05-15", "10.00", 1, None, "cancelled", None),
        ]


def test_a_table_that_is_needed_is_named(tmp_path: Path) -> None:
    settings = {"tables": "subscriptions", "before": TABLES + "drop table stripe.customer"}
    with (
        pytest.raises(CompilerError, match=r"the warehouse has no table stripe\.customer"),
        connected(tmp_path, "fivetran_stripe", salts=tmp_path, **settings),
    ):
        pass
