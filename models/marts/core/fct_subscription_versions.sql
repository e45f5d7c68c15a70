-- Grain: one row per version of a subscription.

select
    -- keys
    subscription_id,
    item_id,
    started_at,
    customer_id,
    version_number,
    plan_id,

    -- dates
    started_on,
    stopped_on,
    signed_on,
    ended_on,
    paid_through_on,
    cancel_requested_on,
    committed_since,
    committed_until,

    -- words
    status,
    stop_reason,
    cancel_reason,
    billing_interval,
    billing_interval_count,
    deliveries_per_term,
    currency,

    -- amounts
    quantity,
    original_amount,
    original_discount_amount,
    original_credited_amount,
    monthly_price,
    exchange_rate,
    mrr_amount,
    margin_mrr_amount,
    one_off_amount,

    -- flags
    is_paying,
    is_for_life,
    is_margin_estimated,
    is_involuntary,
    is_refunded,
    is_priced_below_zero,
    is_over_despite_status
from {{ ref('int_subscription_versions') }}
