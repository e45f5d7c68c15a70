-- Grain: one row per order and day on which it moved revenue: its own, and that of its refund.

with

orders as {{ not_materialized() }} (
    select * from {{ ref('int_orders_valued') }}
)

select
    order_id,
    customer_id,
    'orders' as relationship,
    'sale' as entry_type,
    order_date as revenue_date,
    {{ as_amount('gross_amount - discount_amount') }} as revenue_amount,
    sale_margin_amount as margin_amount,
    {{ as_amount(
        'case when is_margin_estimated then abs(gross_amount - discount_amount) else 0 end'
    ) }} as uncosted_revenue_amount,
    is_purchase
from orders

union all

select
    order_id,
    customer_id,
    'orders' as relationship,
    'refund' as entry_type,
    refunded_on as revenue_date,
    {{ as_amount('-refunded_amount') }} as revenue_amount,
    refund_margin_amount as margin_amount,
    {{ as_amount('case when is_margin_estimated then abs(refunded_amount) else 0 end') }}
        as uncosted_revenue_amount,
    false as is_purchase
from orders
where refunded_amount <> 0
