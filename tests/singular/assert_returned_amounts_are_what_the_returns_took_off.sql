-- The returned amount of a sale is the revenue that its returns took off, to the cent, and a sale
-- without returns has none.
with

sale_returns as (
    select
        sale_order_id,
        -sum(net_revenue_amount) as taken_off_amount
    from {{ ref('fct_orders') }}
    where sale_order_id is not null
    group by sale_order_id
)

select
    orders.order_id,
    orders.returned_amount,
    sale_returns.taken_off_amount
from {{ ref('fct_orders') }} as orders
left join sale_returns
    on orders.order_id = sale_returns.sale_order_id
where orders.returned_amount <> coalesce(sale_returns.taken_off_amount, 0)
