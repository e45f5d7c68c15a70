-- Grain: one row per customer, subscription and stretch of days on which it is paid for.
{%- set grace_days = var('renewal_grace_days') %}

with

-- each version reaches as far as a late renewal may follow it
paid_intervals as (
    select
        customer_id,
        subscription_id,
        started_on as active_from,
        coalesce({{ days_after('stopped_on', grace_days) }}, {{ open_end() }}) as active_to
    from {{ ref('int_subscription_versions') }}
    where is_paying and (stopped_on is null or started_on < stopped_on)
),

spells as (
    {{ merged_intervals('paid_intervals', ['customer_id', 'subscription_id']) }}
)

select
    -- keys
    customer_id,
    subscription_id,
    spell_number,

    -- dates
    active_from as started_on,
    case
        when active_to < {{ open_end() }} then {{ days_after('active_to', -grace_days) }}
    end as stopped_on
from spells
