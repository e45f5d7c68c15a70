-- The deciles of margin hold the customers of each value_decile, the deciles of both measures hold
-- every customer with revenue, and the last decile completes the total.
with

customers as (
    select
        value_decile,
        count(*) as customers,
        sum(margin_to_date_amount) as margin_amount,
        sum(net_revenue_to_date_amount) as revenue_amount
    from {{ ref('fct_customer_value') }}
    where value_decile is not null
    group by value_decile
),

deciles as (
    select * from {{ ref('rpt_value_concentration') }}
)

select
    'margin' as value_measure,
    coalesce(customers.value_decile, deciles.decile) as decile,
    deciles.value_amount as reported,
    customers.margin_amount as of_customers
from customers
full join deciles
    on
        customers.value_decile = deciles.decile
        and deciles.value_measure = 'margin'
where
    coalesce(deciles.value_measure, 'margin') = 'margin'
    and (
        coalesce(customers.customers, 0) <> coalesce(deciles.customers, 0)
        or coalesce(customers.margin_amount, 0) <> coalesce(deciles.value_amount, 0)
    )

union all

select
    deciles.value_measure,
    null as decile,
    sum(deciles.value_amount) as reported,
    max(totals.revenue_amount) as of_customers
from deciles
cross join (
    select
        sum(customers) as customers,
        sum(revenue_amount) as revenue_amount
    from customers
) as totals
group by deciles.value_measure
having
    sum(deciles.customers) <> max(totals.customers)
    or max(deciles.cumulative_value_amount) < sum(deciles.value_amount)
    or (
        deciles.value_measure = 'net_revenue'
        and sum(deciles.value_amount) <> max(totals.revenue_amount)
    )
