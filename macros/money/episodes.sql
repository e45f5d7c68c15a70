{#- Times in which a subscription and item waits to be paid for, begun by as-of: a query with one row for each. What
    neither waits nor pays does not matter. Two waits with at most the grace period between them are one, and a payment
    that comes at most the grace period after the last day answers it. -#}
{% macro episodes(waits, pays) %}
    {%- set life -%}
    partition by subscription_id, item_id, customer_id order by started_on, version_number
    {%- endset %}
    {%- set grace_days = var('renewal_grace_days') %}
    with

    settings as (
        select * from {{ ref('int_run_settings') }}
    ),

    subscriptions_that_wait as (
        select distinct subscription_id
        from {{ ref('int_subscription_versions') }}
        where {{ waits }}
    ),

    versions as (
        select
            versions.*,
            settings.as_of_date,
            {{ waits }} as is_waiting,
            coalesce(versions.stopped_on, {{ open_end() }}) as lasts_until
        from {{ ref('int_subscription_versions') }} as versions
        inner join subscriptions_that_wait
            on versions.subscription_id = subscriptions_that_wait.subscription_id
        cross join settings
        where
            versions.started_on <= settings.as_of_date
            and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
            and ({{ waits }} or {{ pays }})
    ),

    versions_in_order as (
        select
            *,
            lag(is_waiting, 1, false) over ({{ life }}) as follows_waiting,
            lag(lasts_until) over ({{ life }}) as previous_lasts_until
        from versions
    ),

    episode_starts as (
        select
            *,
            is_waiting and not (
                follows_waiting
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

    -- each with the first day paid for before the next
    episodes_ended as (
        select
            subscription_id,
            item_id,
            customer_id,
            episode_number,
            as_of_date,
            coalesce(max(case when begins_episode then plan_id end), 'unknown') as plan_id,
            max(case when begins_episode then mrr_amount end) as mrr_amount,
            min(case when is_waiting then started_on end) as began_on,
            max(case when is_waiting then lasts_until end) as lasts_until,
            min(case when not is_waiting then started_on end) as next_paid_on
        from versions_numbered
        where episode_number > 0
        group by subscription_id, item_id, customer_id, episode_number, as_of_date
    ),

    -- who pays long after it has come back, and did not answer
    episodes_answered as (
        select
            *,
            case
                when {{ days_between('lasts_until', 'next_paid_on') }} <= {{ grace_days }}
                    then next_paid_on
            end as paid_on
        from episodes_ended
    )

    select
        -- keys
        subscription_id,
        item_id,
        customer_id,
        cast(episode_number as bigint) as episode_number,
        plan_id,

        -- dates
        began_on,
        case when lasts_until < {{ open_end() }} then lasts_until end as ended_on,
        paid_on,

        -- amounts
        mrr_amount,

        -- words
        case
            when paid_on is not null then 'paid'
            when {{ days_between('lasts_until', 'as_of_date') }} < {{ grace_days }} then 'open'
            else 'lost'
        end as outcome
    from episodes_answered
{% endmacro %}
