-- Grain: one row per month and segment value that moved the churn rate.
-- Did we keep customers worse than a year ago, or do we have more of those who always left?
select
    period_start_date,
    segment_name,
    segment_value,
    metric_change,
    own_effect,
    mix_effect
from {{ ref('rpt_rate_drivers') }}
where
    metric = 'churn_rate'
    and relationship = 'any'
    and period_grain = 'month'
    and compared_with = 'year_before'
    and segment_name <> 'all'
order by period_start_date desc, segment_name asc, abs(own_effect + mix_effect) desc
