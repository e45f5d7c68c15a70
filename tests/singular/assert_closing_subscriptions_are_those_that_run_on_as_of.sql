-- What is left of all subscriptions that started and were lost is what runs at the end of as-of.
with

settings as (
    select * from {{ ref('int_run_settings') }}
),

running as (
    select count(*) as subscriptions
    from {{ ref('int_subscription_spells') }} as spells
    cross join settings
    where
        spells.started_on <= settings.as_of_date
        and coalesce(spells.stopped_on > settings.as_of_date, true)
),

closing as (
    select
        periods.period_grain,
        sum(periods.closing_subscriptions) as subscriptions
    from {{ ref('rpt_mrr_periods') }} as periods
    cross join settings
    where periods.closes_on = settings.as_of_date
    group by periods.period_grain
)

select
    closing.period_grain,
    closing.subscriptions as closing_subscriptions,
    running.subscriptions as running_subscriptions
from closing
cross join running
where closing.subscriptions <> running.subscriptions
