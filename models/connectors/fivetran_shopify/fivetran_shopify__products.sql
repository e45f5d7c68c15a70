-- Grain: one row per variant that was sold through Shopify.
select
    product_id,
    min(product_name) as product_name,
    max(product_category) as product_category
from {{ ref('fivetran_shopify__lines') }}
where line_kind = 'goods' and product_id is not null
group by product_id
