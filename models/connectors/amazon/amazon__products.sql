-- Grain: one row per product that was sold through Amazon.
select
    product_id,
    min(product_name) as product_name
from {{ ref('amazon__items') }}
where product_id is not null
group by product_id
