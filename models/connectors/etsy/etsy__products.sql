-- Grain: one row per product that was sold through Etsy.
select
    product_id,
    min(item_name) as product_name
from {{ ref('etsy__rows') }}
group by product_id
