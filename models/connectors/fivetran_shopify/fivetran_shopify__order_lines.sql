-- Grain: one row per line of a Shopify order of goods.
select
    order_lines.order_id,
    -- keys of lines grow with the lines
    row_number() over (
        partition by order_lines.order_id
        order by length(order_lines.line_id), order_lines.line_id
    ) as line_number,
    order_lines.product_id,
    order_lines.quantity,
    {{ in_cents('order_lines.line_price * sales.net_share') }} as amount,
    {{ in_cents('order_lines.line_cost') }} as cost_amount
from {{ ref('fivetran_shopify__lines') }} as order_lines
inner join {{ ref('fivetran_shopify__sales') }} as sales
    on order_lines.order_id = sales.order_id
where order_lines.line_kind = 'goods'
