-- Grain: one row per line of an Etsy order.
select
    order_id,
    row_number() over (partition by order_id order by file_row) as line_number,
    product_id,
    quantity,
    item_total as amount
from {{ ref('etsy__rows') }}
