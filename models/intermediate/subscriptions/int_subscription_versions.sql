-- Grain: one row per accepted version of a subscription.
{{ config(materialized='table', post_hook='{{ warn_of_doubtful_versions() }}') }}
{%- set stop_order = {
    'paid_through': ['last_paid_or_ended_on', 'cancel_requested_on'],
    'cancelled': ['ended_on', 'paid_through_on', 'cancel_requested_on'],
    'requested': ['cancel_requested_on', 'ended_on', 'paid_through_on'],
} %}
{%- set churn_recognised_at = policy('churn_recognised_at', stop_order.keys() | list) %}
{%- set unpaid_states = {'churn': "'trialing', 'paused'", 'kept': "'trialing'"} %}
{%- set paused_counts_as = policy('paused_counts_as', unpaid_states.keys() | list) %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

versions as (
    select
        *,
        event_date as started_on,
        {{ reporting_day('ended_at') }} as ended_on,
        {{ reporting_day('paid_through_at') }} as paid_through_on,
        {{ reporting_day('cancel_requested_at') }} as cancel_requested_on,
        row_number() over subscription_life as version_number,
        lead(event_date) over subscription_life as next_started_on
    from {{ ref('stg_subscriptions') }}
    window subscription_life as (
        partition by subscription_id, item_id
        order by started_at
    )
),

-- an end in the future is only planned: the contract is still open
versions_judged as (
    select
        versions.*,
        greatest(versions.paid_through_on, versions.ended_on) as last_paid_or_ended_on,
        coalesce(versions.ended_on <= settings.as_of_date, false)
        or coalesce(versions.status in ('cancelled', 'expired'), false) as is_over
    from versions
    cross join settings
),

-- the start of the next version ends this one at the latest
versions_stopped as (
    select
        *,
        case
            when is_over
                then greatest(
                    coalesce({{ stop_order[churn_recognised_at] | join(', ') }}), started_on
                )
        end as own_stop_on,
        coalesce(
            status,
            case
                when not is_over then 'active'
                when cancel_requested_on is not null or cancel_reason is not null then 'cancelled'
                else 'expired'
            end
        ) as known_status
    from versions_judged
),

-- in the row's own currency
versions_priced as (
    select
        *,
        least(own_stop_on, next_started_on) as stopped_on,
        {{ per_month(
            'cast(amount as double) * quantity - coalesce(abs(discount_amount), 0)'
        ) }} as signed_price,
        {{ per_month('abs(cast(cost_amount as double)) * quantity') }} as monthly_cost
    from versions_stopped
),

-- trials earn nothing yet, and no price is below zero
versions_paid as (
    select
        *,
        case
            when known_status in ({{ unpaid_states[paused_counts_as] }}) then 0
            else greatest(signed_price, 0)
        end as monthly_price
    from versions_priced
),

versions_converted as (
    select
        *,
        {{ monthly_in_reporting_currency('monthly_price', 'exchange_rate') }} as mrr_amount,
        {{ monthly_in_reporting_currency('monthly_cost', 'exchange_rate') }}
            as monthly_cost_amount
    from versions_paid
)

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
    own_stop_on,
    next_started_on,
    ended_on,
    paid_through_on,
    cancel_requested_on,

    -- words
    known_status as status,
    case
        when stopped_on is null then 'open'
        when stopped_on = next_started_on then 'replaced'
        when stopped_on = ended_on then 'ended'
        when stopped_on = paid_through_on then 'paid_through'
        when stopped_on = cancel_requested_on then 'cancel_requested'
        else 'ended_before_it_began'
    end as stop_reason,
    coalesce(cancel_reason, 'unknown') as cancel_reason,
    billing_interval,
    cast(billing_interval_count as bigint) as billing_interval_count,
    cast(deliveries_per_term as bigint) as deliveries_per_term,
    currency,

    -- amounts
    quantity,
    amount as original_amount,
    discount_amount as original_discount_amount,
    credited_amount as original_credited_amount,
    monthly_price,
    exchange_rate,
    mrr_amount,
    case
        when mrr_amount = 0 then {{ as_amount('0') }}
        when monthly_cost is null then {{ as_amount('mrr_amount * ' ~ default_margin_rate()) }}
        else {{ as_amount('mrr_amount - monthly_cost_amount') }}
    end as margin_mrr_amount,

    -- flags
    mrr_amount > 0 as is_paying,
    monthly_cost is null as is_margin_estimated,
    is_involuntary,
    coalesce(is_refunded, false) as is_refunded,
    signed_price < 0 as is_priced_below_zero,
    -- the status says that it lives, but its end has come and no later version exists
    is_over
    and known_status not in ('cancelled', 'expired')
    and next_started_on is null as is_over_despite_status
from versions_converted
