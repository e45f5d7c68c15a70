-- Grain: one row per category and other category that customers buy with it in one order.
{{ config(materialized='table') }}

with

baskets as (
    select
        order_id,
        customer_id,
        product_category
    from {{ ref('int_entries_categorised') }}
    where entry_type = 'sale' and is_purchase and product_category <> 'unknown'
),

all_baskets as (
    select count(distinct order_id) as orders
    from baskets
),

category_baskets as (
    select
        product_category,
        count(*) as orders
    from baskets
    group by product_category
),

pairs_of_customers as (
    select
        baskets.customer_id,
        baskets.product_category,
        others.product_category as other_category,
        count(*) as orders
    from baskets
    inner join baskets as others
        on
            baskets.order_id = others.order_id
            and baskets.product_category < others.product_category
    group by baskets.customer_id, baskets.product_category, others.product_category
),

pairs as (
    select
        product_category,
        other_category,
        count(*) as customers,
        cast(sum(orders) as bigint) as orders
    from pairs_of_customers
    group by product_category, other_category
    having count(*) >= {{ var('bundle_min_customers') }}
),

pairs_both_ways as (
    select
        product_category,
        other_category,
        customers,
        orders
    from pairs

    union all

    select
        other_category as product_category,
        product_category as other_category,
        customers,
        orders
    from pairs
),

pairs_counted as (
    select
        pairs_both_ways.product_category,
        pairs_both_ways.other_category,
        pairs_both_ways.customers,
        all_baskets.orders,
        categories.orders as orders_with_category,
        others.orders as orders_with_other,
        pairs_both_ways.orders as orders_with_both
    from pairs_both_ways
    inner join category_baskets as categories
        on pairs_both_ways.product_category = categories.product_category
    inner join category_baskets as others
        on pairs_both_ways.other_category = others.product_category
    cross join all_baskets
)

select
    -- keys
    product_category,
    other_category,

    -- counts
    customers,
    orders,
    orders_with_category,
    orders_with_other,
    orders_with_both,

    -- rates
    {{ rate('orders_with_both', 'orders') }} as support,
    {{ rate('orders_with_both', 'orders_with_category') }} as confidence,
    {{ rate('orders_with_both * orders', '(orders_with_category * orders_with_other)') }} as lift
from pairs_counted
