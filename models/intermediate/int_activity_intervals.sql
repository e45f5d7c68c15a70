-- Grain: one row per activity that keeps a customer active for a while; intervals may overlap.

-- a purchase keeps its customer active for the window of the vertical
select
    orders.customer_id,
    'orders' as relationship,
    orders.order_date as active_from,
    {{ days_after('orders.order_date', 'customers.activity_window_days') }} as active_to
from {{ ref('int_orders_valued') }} as orders
inner join {{ ref('int_customers') }} as customers
    on orders.customer_id = customers.customer_id
where orders.is_purchase
