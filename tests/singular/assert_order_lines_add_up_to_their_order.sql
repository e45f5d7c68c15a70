-- The net revenue of order lines adds up to that of their order, to the cent, unless the lines sum
-- to zero.
select
    orders.order_id,
    orders.net_revenue_amount,
    sum(lines.net_revenue_amount) as lines_net_revenue_amount
from {{ ref('fct_orders') }} as orders
inner join {{ ref('fct_order_lines') }} as lines
    on orders.order_id = lines.order_id
group by orders.order_id, orders.net_revenue_amount
having
    sum(lines.original_amount) <> 0
    and sum(lines.net_revenue_amount) <> orders.net_revenue_amount
