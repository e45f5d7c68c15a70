-- Where rpt_rate_drivers explains a change of churn or NPS, rpt_changes has the same values.
with

explained as (
    select distinct
        metric,
        relationship,
        period_grain,
        period_start_date,
        compared_with,
        metric_value,
        metric_value_before
    from {{ ref('rpt_rate_drivers') }}
    where
        metric in ('churn_rate', 'nps')
        and {{ is_of_grains('period_grain', period_grains()) }}
),

changes as (
    select * from {{ ref('rpt_changes') }}
    where segment_name = 'all' and compared_with <> 'cohorts_before'
)

select
    explained.*,
    changes.metric_value as value_in_changes,
    changes.metric_value_before as value_before_in_changes
from explained
left join changes
    on {{ same_values(
        'explained',
        'changes',
        ['metric', 'relationship', 'period_grain', 'period_start_date', 'compared_with'],
    ) }}
where
    coalesce(abs(explained.metric_value - changes.metric_value) > 1e-9, true)
    or coalesce(abs(explained.metric_value_before - changes.metric_value_before) > 1e-9, true)
