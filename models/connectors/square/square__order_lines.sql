-- Grain: one row per line of a Square sale, or of a refund without a sale.
select
    order_id,
    row_number() over (partition by order_id order by raw_file_name, file_row) as line_number,
    product_id,
    abs(quantity) as quantity,
    {{ as_amount('case when is_refund then abs(net_sales) else net_sales - discounts end') }}
        as amount
from {{ ref('square__rows') }}
where not is_refund_of_sale
