-- Grain: one row per customer and day on which recurring revenue, its margin or its part without a
-- known cost changed.
{{ config(materialized='table') }}
{%- set grace_days = var('renewal_grace_days') %}

with

paying_versions as (
    select
        subscription_id,
        item_id,
        customer_id,
        currency,
        started_on,
        coalesce(stopped_on, {{ open_end() }}) as stopped_on,
        monthly_price,
        mrr_amount,
        margin_mrr_amount,
        case when is_margin_estimated then mrr_amount else 0 end as uncosted_mrr_amount,
        lead(started_on) over (
            partition by subscription_id, item_id, customer_id
            order by started_on
        ) as next_started_on
    from {{ ref('int_subscription_versions') }}
    where is_paying and (stopped_on is null or started_on < stopped_on)
),

-- a late renewal is not churn: gaps within the grace period are filled inside an item
versions_bridged as (
    select
        *,
        case
            when {{ days_between('stopped_on', 'next_started_on') }} <= {{ grace_days }}
                then next_started_on
            else stopped_on
        end as paid_until
    from paying_versions
),

-- where one paid version follows another, the part of the change that comes from the exchange rate
versions_revalued as (
    select
        versions_bridged.*,
        case
            when versions_bridged.paid_until = versions_bridged.next_started_on
                then
                    {{ monthly_in_reporting_currency(
                        'versions_bridged.monthly_price', 'coalesce(rates.exchange_rate, 1)'
                    ) }} - versions_bridged.mrr_amount
            else 0
        end as fx_change_amount
    from versions_bridged
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on
            versions_bridged.currency = rates.currency
            and versions_bridged.next_started_on = rates.rate_date
),

changes as (
    select
        customer_id,
        started_on as changed_on,
        mrr_amount as mrr_change,
        margin_mrr_amount as margin_change,
        uncosted_mrr_amount as uncosted_change,
        0 as fx_change
    from versions_revalued

    union all

    select
        customer_id,
        paid_until as changed_on,
        -mrr_amount as mrr_change,
        -margin_mrr_amount as margin_change,
        -uncosted_mrr_amount as uncosted_change,
        fx_change_amount as fx_change
    from versions_revalued
    where paid_until < {{ open_end() }}
),

-- everything that happens on a day, across subscriptions, is one change
days as (
    select
        customer_id,
        changed_on,
        sum(mrr_change) as mrr_change,
        sum(margin_change) as margin_change,
        sum(uncosted_change) as uncosted_change,
        sum(fx_change) as fx_change
    from changes
    group by customer_id, changed_on
),

days_cumulated as (
    select
        customer_id,
        changed_on,
        fx_change,
        sum(mrr_change) over customer_days as mrr_after,
        sum(margin_change) over customer_days as margin_after,
        sum(uncosted_change) over customer_days as uncosted_after,
        lead(changed_on) over (
            partition by customer_id
            order by changed_on
        ) as next_changed_on
    from days
    window customer_days as (
        partition by customer_id
        order by changed_on
        rows unbounded preceding
    )
),

-- the same grace period applies where all of the customer's revenue would fall to zero
days_bridged as (
    select
        *,
        lag(mrr_after, 1, 0) over customer_days as mrr_before,
        lag(margin_after, 1, 0) over customer_days as margin_before,
        lag(uncosted_after, 1, 0) over customer_days as uncosted_before
    from days_cumulated
    where
        mrr_after > 0
        or next_changed_on is null
        or {{ days_between('changed_on', 'next_changed_on') }} > {{ grace_days }}
    window customer_days as (
        partition by customer_id
        order by changed_on
    )
)

select
    -- keys
    customer_id,
    row_number() over (
        partition by customer_id
        order by changed_on
    ) as step_number,

    -- dates
    changed_on,

    -- amounts
    {{ as_amount('mrr_before') }} as mrr_before_amount,
    {{ as_amount('fx_change') }} as fx_change_amount,
    {{ as_amount('mrr_after') }} as mrr_after_amount,
    {{ as_amount('margin_before') }} as margin_before_amount,
    {{ as_amount('margin_after') }} as margin_after_amount,
    {{ as_amount('uncosted_before') }} as uncosted_mrr_before_amount,
    {{ as_amount('uncosted_after') }} as uncosted_mrr_after_amount
from days_bridged
where
    mrr_before <> mrr_after
    or fx_change <> 0
    or margin_before <> margin_after
    or uncosted_before <> uncosted_after
