-- Grain: one row per cutoff and purchase that is worth more than one order may count for.
{{ config(materialized='table') }}

with

orders as (
    select * from {{ ref('int_orders_valued') }}
),

limits as (
    select * from {{ ref('int_order_margin_limits') }}
),

large_orders as (
    select
        limits.cutoff,
        limits.order_margin_limit_amount,
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        orders.margin_amount
    from orders
    inner join limits
        on
            orders.order_date <= limits.cutoff_on
            and orders.margin_amount > limits.order_margin_limit_amount
    where orders.is_purchase and orders.customer_id <> 'anonymous'
),

-- what came back of an order takes from the order
returned_margins as (
    select
        sale_order_id,
        sum(margin_amount) as margin_amount
    from orders
    where sale_order_id in (select large_orders.order_id from large_orders)
    group by sale_order_id
),

large_orders_net as (
    select
        large_orders.*,
        large_orders.margin_amount + coalesce(returned_margins.margin_amount, 0) as net_margin
    from large_orders
    left join returned_margins
        on large_orders.order_id = returned_margins.sale_order_id
)

select
    -- keys
    cutoff,
    order_id,
    customer_id,

    -- dates
    order_date,

    -- amounts
    {{ as_amount('net_margin - order_margin_limit_amount') }} as excess_margin_amount
from large_orders_net
where net_margin > order_margin_limit_amount
