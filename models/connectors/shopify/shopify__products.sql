-- Grain: one row per variant that was sold through Shopify.
select
    product_id,
    min(lineitem_name) as product_name,
    max(product_category) as product_category
from {{ ref('shopify__rows') }}
where line_kind = 'goods'
group by product_id
