-- Recurring revenue of a day is its MRR divided by the days of its month. Added up day by day, with
-- what was bought for life, it is the revenue of the cohorts, except for the cents by which changes
-- are rounded.
with

changes_by_day as (
    select
        moved_on,
        sum(mrr_change_amount) as mrr_change
    from {{ ref('fct_mrr_movements') }}
    group by moved_on
),

daily as (
    select
        dates.date_day,
        sum(coalesce(changes_by_day.mrr_change, 0)) over (order by dates.date_day) as mrr
    from {{ ref('dim_dates') }} as dates
    left join changes_by_day
        on dates.date_day = changes_by_day.moved_on
    where dates.is_past
),

bought_for_life as (
    select coalesce(sum(one_off_amount), 0) as revenue_amount
    from {{ ref('fct_subscription_versions') }}
    where coalesce(stopped_on > started_on, true)
),

expected as (
    select
        sum(cast(daily.mrr as double) / day(last_day(daily.date_day)))
        + max(bought_for_life.revenue_amount) as revenue_amount
    from daily
    cross join bought_for_life
),

earned as (
    select coalesce(sum(revenue_amount), 0) as revenue_amount
    from {{ ref('rpt_cohort_retention') }}
    where relationship = 'subscription'
),

roundings as (
    select count(*) as changes from {{ ref('int_recurring_revenue_typed') }}
)

select
    expected.revenue_amount as expected_amount,
    earned.revenue_amount as earned_amount
from expected
cross join earned
cross join roundings
where abs(expected.revenue_amount - earned.revenue_amount) > 0.005 * roundings.changes + 0.01
