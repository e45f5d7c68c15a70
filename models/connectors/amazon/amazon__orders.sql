-- Grain: one row per Amazon order, or refund of an order that is not known.

with

orders as (
    select
        order_id,
        source_name,
        min(ordered_at) as ordered_at,
        sum(amount) as amount,
        sum(discount_amount) as discount_amount,
        sum(tax_amount) as tax_amount,
        max(currency) as currency,
        max(status) as status,
        max(sales_channel) as sales_channel
    from {{ ref('amazon__items') }}
    group by order_id, source_name
),

refunds as (
    select
        order_id,
        source_name,
        max(paid_at) as refunded_at,
        sum(amount - discount_amount) as refunded_amount,
        max(currency) as currency,
        max(marketplace) as sales_channel
    from {{ ref('amazon__payments') }}
    where not is_sale
    group by order_id, source_name
    -- a claim that was taken back is no refund
    having sum(amount - discount_amount) <> 0
)

select
    orders.order_id,
    orders.source_name,
    orders.ordered_at,
    {{ as_amount('orders.amount') }} as amount,
    {{ as_amount('orders.discount_amount') }} as discount_amount,
    -- Amazon may pay back more than the price
    case
        when refunds.refunded_amount > 0
            then {{ as_amount(
                'least(refunds.refunded_amount, orders.amount - orders.discount_amount)'
            ) }}
    end as refunded_amount,
    case when refunds.refunded_amount > 0 then refunds.refunded_at end as refunded_at,
    {{ as_amount('orders.tax_amount') }} as tax_amount,
    orders.currency,
    orders.status,
    'sale' as order_type,
    lower(orders.sales_channel) as sales_channel
from orders
left join refunds
    on orders.order_id = refunds.order_id

union all

select
    refunds.order_id || '-refund' as order_id,
    refunds.source_name,
    refunds.refunded_at as ordered_at,
    {{ as_amount('-refunds.refunded_amount') }} as amount,
    {{ as_amount('0') }} as discount_amount,
    {{ as_amount('null') }} as refunded_amount,
    cast(null as timestamp) as refunded_at,
    {{ as_amount('null') }} as tax_amount,
    refunds.currency,
    'completed' as status,
    case when refunds.refunded_amount > 0 then 'return' else 'sale' end as order_type,
    refunds.sales_channel
from refunds
left join orders
    on refunds.order_id = orders.order_id
where orders.order_id is null
