-- Grain: one row per complete year and benchmark.
-- How many times the cost of keeping a customer for a year is the cost of winning one?
with

years as (
    select
        {{ period_start("'year'", 'month_start_date') }} as year_start_date,
        sum(acquisition_spend_amount) as acquisition_spend,
        sum(retention_spend_amount) as retention_spend,
        sum(new_customers) as new_customers,
        sum(retained_customers) as retained_customer_months,
        count(distinct month_start_date) as months_count
    from {{ ref('rpt_marketing_mix') }}
    where is_complete_period
    group by {{ period_start("'year'", 'month_start_date') }}
),

costs as (
    select
        year_start_date,
        {{ rate('acquisition_spend', 'new_customers') }} as cost_per_new_customer,
        -- a customer kept for a whole year is kept twelve times
        {{ rate('retention_spend * 12', 'retained_customer_months') }}
            as cost_per_customer_kept_a_year
    from years
    where months_count = 12
)

select
    costs.year_start_date,
    round(costs.cost_per_new_customer, 2) as cost_per_new_customer,
    round(costs.cost_per_customer_kept_a_year, 2) as cost_per_customer_kept_a_year,
    round(
        {{ rate('costs.cost_per_new_customer', 'costs.cost_per_customer_kept_a_year') }}, 1
    ) as cost_ratio,
    benchmarks.company_kind,
    benchmarks.low_value,
    benchmarks.high_value
from costs
left join {{ ref('metric_benchmarks') }} as benchmarks
    on benchmarks.metric = 'blended_acquisition_to_retention_cost_ratio'
order by costs.year_start_date, benchmarks.company_kind
