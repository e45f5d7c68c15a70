-- Grain: one row per customer whose last three purchases each brought more than the one before.

with

sales as {{ not_materialized() }} (
    select * from {{ ref('int_orders_sequenced') }}
    where is_purchase
),

purchases_counted as (
    select
        customer_id,
        max(order_number) as purchases
    from sales
    group by customer_id
    having max(order_number) >= 3
),

last_baskets as (
    select
        sales.customer_id,
        sales.order_date,
        orders.net_revenue_amount,
        purchases_counted.purchases - sales.order_number as purchases_after
    from sales
    inner join purchases_counted
        on
            sales.customer_id = purchases_counted.customer_id
            and sales.order_number > purchases_counted.purchases - 3
    inner join {{ ref('int_orders_valued') }} as orders
        on sales.order_id = orders.order_id
),

baskets_compared as (
    select
        customer_id,
        max(order_date) as last_basket_on,
        max(case when purchases_after = 2 then net_revenue_amount end) as first_basket_amount,
        max(case when purchases_after = 1 then net_revenue_amount end) as middle_basket_amount,
        max(case when purchases_after = 0 then net_revenue_amount end) as last_basket_amount
    from last_baskets
    group by customer_id
)

select
    -- keys
    customer_id,

    -- dates
    last_basket_on,

    -- amounts
    first_basket_amount,
    middle_basket_amount,
    last_basket_amount
from baskets_compared
where
    first_basket_amount < middle_basket_amount
    and middle_basket_amount < last_basket_amount
