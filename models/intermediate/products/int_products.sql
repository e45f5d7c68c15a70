-- Grain: one row per product, known from the products or only from an order line.
{{ config(materialized='table') }}

with

products as (
    select * from {{ ref('stg_products') }}
),

products_sold as (
    select distinct product_id from {{ ref('stg_order_lines') }}
),

product_ids as (
    select product_id from products
    union
    select product_id from products_sold
)

select
    -- keys
    product_ids.product_id,

    -- words
    coalesce(products.product_name, 'unknown') as product_name,
    coalesce(products.product_category, 'unknown') as product_category,

    -- flags
    products.product_id is not null as is_described
from product_ids
left join products
    on product_ids.product_id = products.product_id
