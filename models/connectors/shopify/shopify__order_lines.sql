-- Grain: one row per line of a Shopify order of goods.
select
    order_rows.order_id,
    row_number() over (
        partition by order_rows.order_id order by order_rows.file_row
    ) as line_number,
    order_rows.product_id,
    order_rows.lineitem_quantity as quantity,
    {{ in_cents('order_rows.line_price * sales.net_share') }} as amount,
    {{ in_cents('order_rows.line_cost') }} as cost_amount
from {{ ref('shopify__rows') }} as order_rows
inner join {{ ref('shopify__sales') }} as sales
    on order_rows.order_id = sales.order_id
where order_rows.line_kind = 'goods'
