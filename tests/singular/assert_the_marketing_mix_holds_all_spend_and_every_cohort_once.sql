-- The marketing mix has all accepted spend, in the reporting currency, and its new customers are
-- those of the cohorts, but for customers who may have begun before the data.
with

spends as (
    select sum({{ in_reporting_currency('amount') }}) as spend_amount
    from {{ ref('stg_marketing_spend') }}
),

cohort_months as (
    select
        cohort_month as month_start_date,
        count(*) as new_customers
    from {{ ref('dim_customers') }}
    where cohort_month is not null and not is_inherited
    group by cohort_month
),

mix_months as (
    select
        month_start_date,
        sum(spend_amount) as spend_amount,
        sum(new_customers) as new_customers
    from {{ ref('rpt_marketing_mix') }}
    group by month_start_date
)

select
    mix_months.month_start_date,
    mix_months.new_customers as found,
    cohort_months.new_customers as expected
from mix_months
full join cohort_months
    on mix_months.month_start_date = cohort_months.month_start_date
where coalesce(mix_months.new_customers, 0) <> coalesce(cohort_months.new_customers, 0)

union all

select
    null as month_start_date,
    sum(mix_months.spend_amount) as found,
    max(spends.spend_amount) as expected
from mix_months
cross join spends
having coalesce(sum(mix_months.spend_amount), 0) <> coalesce(max(spends.spend_amount), 0)
