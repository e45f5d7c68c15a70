-- Month by month over cohorts, or once per customer to as-of: the revenue behind margins, and the
-- part of it without a known cost, are the same, for customers who ever had a spell.
with

customer_totals as (
    select
        sum(customer_values.absolute_revenue_to_date_amount) as absolute_revenue,
        sum(customer_values.uncosted_revenue_to_date_amount) as uncosted_revenue
    from {{ ref('fct_customer_value') }} as customer_values
    inner join {{ ref('dim_customers') }} as customers
        on customer_values.customer_id = customers.customer_id
    where customers.cohort_month is not null
),

cohort_totals as (
    select
        sum(absolute_revenue_amount) as absolute_revenue,
        sum(uncosted_revenue_amount) as uncosted_revenue
    from {{ ref('int_cohort_months_earned') }}
    where relationship = 'any'
)

select
    customer_totals.absolute_revenue,
    cohort_totals.absolute_revenue as absolute_revenue_of_cohorts,
    customer_totals.uncosted_revenue,
    cohort_totals.uncosted_revenue as uncosted_revenue_of_cohorts
from customer_totals
cross join cohort_totals
where
    customer_totals.absolute_revenue <> cohort_totals.absolute_revenue
    or customer_totals.uncosted_revenue <> cohort_totals.uncosted_revenue
