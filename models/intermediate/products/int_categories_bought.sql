-- Grain: one row per customer and category ever bought.
{{ config(materialized='table') }}

with

sales as {{ not_materialized() }} (
    select * from {{ ref('int_orders_sequenced') }}
    where is_purchase
),

products as (
    select * from {{ ref('int_products') }}
    where product_category <> 'unknown'
)

select
    -- keys
    sales.customer_id,
    products.product_category,

    -- dates
    min(sales.order_date) as first_bought_on,
    max(sales.order_date) as last_bought_on,

    -- history
    min(sales.order_number) as first_order_number
from {{ ref('stg_order_lines') }} as lines
inner join sales
    on lines.order_id = sales.order_id
inner join products
    on lines.product_id = products.product_id
group by sales.customer_id, products.product_category
