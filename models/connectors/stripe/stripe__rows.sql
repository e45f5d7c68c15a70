-- Grain: one row per item of a subscription in a file of Stripe, without those of test mode.
{%- do stop_at_undated_files('stripe.subscriptions') %}

with

export_rows as (
    {{ exported('stripe.subscriptions') }}
),

dated as (
    select
        *,
        {{ day_in_path('raw_file_name') }} as snapshot_day,
        -- a discount that does not say how long it lasts reduces the price
        coalesce(lower(discounts_coupon_duration), 'forever') = 'once' as is_for_once
    from export_rows
    where coalesce(livemode, true)
),

-- the first address that is known of a customer stays, so that a change of it makes nobody new
addressed as (
    select
        *,
        {{ last_not_null(
            'customer_email',
            '(partition by source_name, coalesce(customer_id, customer_email)'
            ~ ' order by snapshot_day desc, raw_file_name desc, file_row desc'
            ~ ' rows between unbounded preceding and unbounded following)'
        ) }} as known_email
    from dated
)

select
    id,
    customer_id as native_customer_id,
    {{ customer_key(email='known_email', native_id='customer_id') }} as customer_id,
    lower(known_email) as email,
    customer_name,
    customer_country,
    source_name,
    raw_file_name,
    file_row,
    {{ moment_of_utc(utc_time_of_day('snapshot_day')) }} as seen_at,
    {{ moment_of_utc(utc_time_of_day(days_after('snapshot_day', 1))) }} as seen_until,
    lower(replace(status, ' ', '_')) as status,
    pause_collection_behavior is not null as is_collection_paused,
    coalesce(start_date, created) as first_started_at,
    trial_end,
    current_period_start,
    current_period_end,
    coalesce(cancel_at, case when cancel_at_period_end then current_period_end end) as cancel_at,
    canceled_at,
    ended_at,
    coalesce(cancellation_details_feedback, cancellation_details_reason) as cancel_reason,
    coalesce(cancellation_details_reason, '') = 'payment_failed' as is_payment_failed,
    items_id,
    items_price_id,
    items_price_unit_amount,
    items_price_unit_amount_decimal,
    amount,
    coalesce(items_quantity, 1) as quantity,
    currency,
    lower(items_price_recurring_interval) as billing_interval,
    coalesce(items_price_recurring_interval_count, 1) as billing_interval_count,
    coalesce(items_price_recurring_usage_type, '') = 'metered' as is_metered,
    case when not is_for_once then discounts_coupon_percent_off end as percent_off,
    case when not is_for_once then discounts_coupon_amount_off end as amount_off,
    discounts_start,
    discounts_end
from addressed
