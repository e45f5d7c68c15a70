-- Grain: one row per product that was sold through Square.
select
    product_id,
    min(product_name) as product_name,
    max(product_category) as product_category
from {{ ref('square__rows') }}
where product_id is not null
group by product_id
