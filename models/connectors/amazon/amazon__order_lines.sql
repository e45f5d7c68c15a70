-- Grain: one row per item of an Amazon order.
select
    order_id,
    row_number() over (partition by order_id order by raw_file_name, file_row) as line_number,
    product_id,
    quantity,
    {{ as_amount('amount') }} as amount
from {{ ref('amazon__items') }}
