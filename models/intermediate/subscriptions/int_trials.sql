-- Grain: one row per free trial of a subscription and item that began by as-of.
{%- set life -%}
partition by subscription_id, item_id, customer_id order by started_on, version_number
{%- endset %}
{%- set grace_days = var('renewal_grace_days') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

subscriptions_tried as (
    select distinct subscription_id
    from {{ ref('int_subscription_versions') }}
    where status = 'trialing'
),

-- only what is tried or paid for matters
versions as (
    select
        versions.subscription_id,
        versions.item_id,
        versions.customer_id,
        versions.version_number,
        versions.started_on,
        coalesce(versions.plan_id, 'unknown') as plan_id,
        versions.status = 'trialing' as is_trial,
        coalesce(versions.stopped_on, {{ open_end() }}) as lasts_until,
        settings.as_of_date
    from {{ ref('int_subscription_versions') }} as versions
    inner join subscriptions_tried
        on versions.subscription_id = subscriptions_tried.subscription_id
    cross join settings
    where
        versions.started_on <= settings.as_of_date
        and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
        and (versions.status = 'trialing' or versions.is_paying or versions.is_for_life)
),

versions_in_order as (
    select
        *,
        lag(is_trial, 1, false) over ({{ life }}) as follows_trial,
        lag(lasts_until) over ({{ life }}) as previous_lasts_until
    from versions
),

-- a trial that is prolonged is one trial
trial_starts as (
    select
        *,
        is_trial and not (
            follows_trial
            and {{ days_between('previous_lasts_until', 'started_on') }} <= {{ grace_days }}
        ) as begins_trial
    from versions_in_order
),

versions_numbered as (
    select
        *,
        sum(case when begins_trial then 1 else 0 end) over (
            {{ life }}
            rows unbounded preceding
        ) as trial_number
    from trial_starts
),

-- each trial with the first day paid for before the next trial
trials as (
    select
        subscription_id,
        item_id,
        customer_id,
        trial_number,
        as_of_date,
        max(case when begins_trial then plan_id end) as plan_id,
        min(case when is_trial then started_on end) as began_on,
        max(case when is_trial then lasts_until end) as lasts_until,
        min(case when not is_trial then started_on end) as next_paid_on
    from versions_numbered
    where trial_number > 0
    group by subscription_id, item_id, customer_id, trial_number, as_of_date
),

-- a late start is as good as a late renewal
trials_answered as (
    select
        *,
        case
            when {{ days_between('lasts_until', 'next_paid_on') }} <= {{ grace_days }}
                then next_paid_on
        end as converted_on
    from trials
)

select
    -- keys
    subscription_id,
    item_id,
    customer_id,
    cast(trial_number as bigint) as trial_number,
    plan_id,

    -- dates
    began_on,
    case when lasts_until < {{ open_end() }} then lasts_until end as ended_on,
    converted_on,

    -- lengths
    {{ days_between('began_on', 'converted_on') }} as days_to_convert,

    -- words
    case
        when converted_on is not null then 'converted'
        when {{ days_between('lasts_until', 'as_of_date') }} < {{ grace_days }} then 'open'
        else 'lost'
    end as outcome
from trials_answered
