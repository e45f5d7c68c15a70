-- The value of all customers to date is the attributed revenue of the revenue mix, and for
-- customers who ever had a spell, revenue and margin of the cohorts of `any`.
with

customer_totals as (
    select
        sum(customer_values.net_revenue_to_date_amount) as revenue_amount,
        sum(
            case
                when customers.cohort_month is not null
                    then customer_values.net_revenue_to_date_amount
                else 0
            end
        ) as cohort_revenue_amount,
        sum(
            case
                when customers.cohort_month is not null then customer_values.margin_to_date_amount
                else 0
            end
        ) as cohort_margin_amount
    from {{ ref('fct_customer_value') }} as customer_values
    inner join {{ ref('dim_customers') }} as customers
        on customer_values.customer_id = customers.customer_id
),

mix_totals as (
    select
        period_grain,
        sum(total_revenue_amount - unattributed_revenue_amount) as revenue_amount
    from {{ ref('rpt_revenue_mix') }}
    where {{ is_of_grains('period_grain', period_grains()) }}
    group by period_grain
),

cohort_totals as (
    select
        sum(revenue_amount) as revenue_amount,
        sum(margin_amount) as margin_amount
    from {{ ref('rpt_cohort_retention') }}
    where relationship = 'any'
)

select
    mix_totals.period_grain as side,
    mix_totals.revenue_amount as reported,
    customer_totals.revenue_amount as of_customers
from mix_totals
cross join customer_totals
where mix_totals.revenue_amount <> customer_totals.revenue_amount

union all

select
    'cohorts: revenue' as side,
    cohort_totals.revenue_amount as reported,
    customer_totals.cohort_revenue_amount as of_customers
from cohort_totals
cross join customer_totals
where cohort_totals.revenue_amount <> customer_totals.cohort_revenue_amount

union all

select
    'cohorts: margin' as side,
    cohort_totals.margin_amount as reported,
    customer_totals.cohort_margin_amount as of_customers
from cohort_totals
cross join customer_totals
where cohort_totals.margin_amount <> customer_totals.cohort_margin_amount
