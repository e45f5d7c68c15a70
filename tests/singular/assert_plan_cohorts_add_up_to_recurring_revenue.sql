-- In every month the cohorts together have the paying customers and the MRR of all customers, by
-- each of their segments.
with

cohorts as (
    select
        segment_name,
        {{ months_after('cohort_month', 'months_since') }} as period_start_date,
        sum(active_customers) as active_customers,
        sum(mrr_amount) as mrr_amount
    from {{ ref('rpt_plan_cohorts') }}
    group by segment_name, {{ months_after('cohort_month', 'months_since') }}
),

months as (
    select
        period_start_date,
        sum(paying_customers) as paying_customers,
        sum(closing_mrr_amount) as mrr_amount
    from {{ ref('rpt_mrr_periods') }}
    where period_grain = 'month'
    group by period_start_date
)

select
    cohorts.segment_name,
    months.period_start_date
from months
-- nobody has paid yet in a month without cohorts
left join cohorts
    on months.period_start_date = cohorts.period_start_date
where
    coalesce(cohorts.active_customers, 0) <> months.paying_customers
    or coalesce(cohorts.mrr_amount, 0) <> months.mrr_amount
