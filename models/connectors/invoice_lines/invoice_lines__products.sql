-- Grain: one row per product that was invoiced.
select
    coalesce(product_id, product_name) as product_id,
    min(product_name) as product_name
from {{ ref('invoice_lines__rows') }}
where is_of_order and coalesce(product_id, product_name) is not null
group by 1
