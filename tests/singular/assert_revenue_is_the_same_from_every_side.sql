-- Orders and recurring revenue add up to the revenue mix by the calendar; the cohorts hold the
-- revenue of all customers who ever bought, and all recurring revenue. A refund dated after as-of
-- is part of its order but not yet of a period.
with

order_total as (
    select coalesce(sum(net_revenue_amount), 0) as revenue_amount
    from {{ ref('fct_orders') }}
),

refunds_to_come as (
    select coalesce(sum(orders.refunded_amount), 0) as refunded_amount
    from {{ ref('fct_orders') }} as orders
    cross join {{ ref('int_run_settings') }} as settings
    where orders.refunded_on > settings.as_of_date
),

mix_totals as (
    select
        grains.period_grain,
        coalesce(sum(mix.total_revenue_amount), 0) as revenue_amount
    from (
        select distinct period_grain from {{ ref('dim_periods') }}
        where {{ is_of_grains('period_grain', period_grains()) }}
    ) as grains
    left join {{ ref('rpt_revenue_mix') }} as mix
        on grains.period_grain = mix.period_grain
    group by grains.period_grain
),

recurring_total as (
    select coalesce(sum(revenue_amount), 0) as revenue_amount
    from {{ ref('rpt_cohort_retention') }}
    where relationship = 'subscription'
),

cohort_total as (
    select sum(revenue_amount) as revenue_amount
    from {{ ref('rpt_cohort_retention') }}
    where relationship = 'orders'
),

buyers_total as (
    select sum(orders.net_revenue_amount) as revenue_amount
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('fct_activity_spells') }} as spells
        on
            orders.customer_id = spells.customer_id
            and spells.relationship = 'orders'
            and spells.spell_number = 1
),

buyers_refunds_to_come as (
    select coalesce(sum(orders.refunded_amount), 0) as refunded_amount
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('dim_customers') }} as customers
        on orders.customer_id = customers.customer_id
    cross join {{ ref('int_run_settings') }} as settings
    where
        orders.refunded_on > settings.as_of_date
        and customers.purchases_count > 0
)

select
    mix_totals.period_grain as side,
    mix_totals.revenue_amount,
    order_total.revenue_amount + refunds_to_come.refunded_amount + recurring_total.revenue_amount
        as expected_amount
from mix_totals
cross join order_total
cross join refunds_to_come
cross join recurring_total
where
    mix_totals.revenue_amount
    <> order_total.revenue_amount + refunds_to_come.refunded_amount + recurring_total.revenue_amount

union all

select
    'cohorts' as side,
    cohort_total.revenue_amount,
    buyers_total.revenue_amount + buyers_refunds_to_come.refunded_amount as expected_amount
from cohort_total
cross join buyers_total
cross join buyers_refunds_to_come
where
    cohort_total.revenue_amount
    <> buyers_total.revenue_amount + buyers_refunds_to_come.refunded_amount
