-- Grain: one row per time that a subscription and item was past due, begun by as-of.
{%- set life -%}
partition by subscription_id, item_id, customer_id order by started_on, version_number
{%- endset %}
{%- set grace_days = var('renewal_grace_days') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

subscriptions_past_due as (
    select distinct subscription_id
    from {{ ref('int_subscription_versions') }}
    where status = 'past_due' and is_paying
),

versions as (
    select
        versions.subscription_id,
        versions.item_id,
        versions.customer_id,
        versions.version_number,
        versions.started_on,
        versions.mrr_amount,
        versions.is_paying and versions.status = 'past_due' as is_past_due,
        versions.is_paying and versions.status not in ('past_due', 'paused') as is_paid,
        coalesce(versions.stopped_on, {{ open_end() }}) as lasts_until,
        settings.as_of_date
    from {{ ref('int_subscription_versions') }} as versions
    inner join subscriptions_past_due
        on versions.subscription_id = subscriptions_past_due.subscription_id
    cross join settings
    where
        versions.started_on <= settings.as_of_date
        and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
),

versions_in_order as (
    select
        *,
        lag(is_past_due, 1, false) over ({{ life }}) as follows_past_due,
        lag(lasts_until) over ({{ life }}) as previous_lasts_until
    from versions
),

-- several failed attempts in a row are one episode
episode_starts as (
    select
        *,
        is_past_due and not (
            follows_past_due
            and {{ days_between('previous_lasts_until', 'started_on') }} <= {{ grace_days }}
        ) as begins_episode
    from versions_in_order
),

versions_numbered as (
    select
        *,
        sum(case when begins_episode then 1 else 0 end) over (
            {{ life }}
            rows unbounded preceding
        ) as episode_number
    from episode_starts
),

-- each episode with the first day paid for after it
episodes as (
    select
        subscription_id,
        item_id,
        customer_id,
        episode_number,
        as_of_date,
        max(case when begins_episode then mrr_amount end) as mrr_amount,
        min(case when is_past_due then started_on end) as began_on,
        max(case when is_past_due then lasts_until end) as lasts_until,
        min(case when is_paid then started_on end) as next_paid_on
    from versions_numbered
    where episode_number > 0
    group by subscription_id, item_id, customer_id, episode_number, as_of_date
),

-- a customer who pays again long after the subscription stopped has come back, not recovered
episodes_answered as (
    select
        *,
        case
            when {{ days_between('lasts_until', 'next_paid_on') }} <= {{ grace_days }}
                then next_paid_on
        end as recovered_on
    from episodes
),

episodes_decided as (
    select
        *,
        case
            when recovered_on is not null then 'recovered'
            when {{ days_between('lasts_until', 'as_of_date') }} < {{ grace_days }} then 'open'
            else 'lost'
        end as outcome
    from episodes_answered
)

select
    -- keys
    subscription_id,
    item_id,
    customer_id,
    cast(episode_number as bigint) as episode_number,

    -- dates
    began_on,
    case
        when outcome = 'recovered' then recovered_on
        when outcome = 'lost' then lasts_until
    end as decided_on,

    -- amounts
    mrr_amount,

    -- words
    outcome
from episodes_decided
