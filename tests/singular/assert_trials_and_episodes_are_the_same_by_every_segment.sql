-- A slice report counts each trial, and each past-due episode, once by every segment.
with

counts as (
    select
        'rpt_trials' as report,
        cast(cohort_month as string) as period,
        segment_name,
        sum(trials_begun) as begun,
        sum(trials_converted) as decided_well
    from {{ ref('rpt_trials') }}
    group by cohort_month, segment_name

    union all

    select
        'rpt_dunning' as report,
        period_grain || ' ' || cast(period_start_date as string) as period,
        segment_name,
        sum(episodes_begun) as begun,
        sum(episodes_recovered) as decided_well
    from {{ ref('rpt_dunning') }}
    group by period_grain, period_start_date, segment_name
)

select
    report,
    period
from counts
group by report, period
having min(begun) <> max(begun) or min(decided_well) <> max(decided_well)
