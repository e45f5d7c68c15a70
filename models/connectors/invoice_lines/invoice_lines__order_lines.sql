-- Grain: one row per line of an invoice or credit note.
select
    order_id,
    row_number() over (partition by order_id order by file_row) as line_number,
    coalesce(product_id, product_name) as product_id,
    quantity,
    amount
from {{ ref('invoice_lines__rows') }}
where is_of_order
