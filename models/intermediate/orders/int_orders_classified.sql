-- Grain: one row per accepted order.

with

orders as (
    select * from {{ ref('stg_orders') }}
),

orders_classified as (
    select
        *,
        status in ('completed', 'refunded') as is_completed,
        order_type = 'return' as is_return,
        -- a negative sale is an adjustment, and nobody can send one back
        order_type = 'sale' and amount >= 0 as is_sale,
        -- exports write deductions with either sign; an adjustment keeps its own sign
        case when amount < 0 then discount_amount else abs(discount_amount) end
            as signed_discount_amount,
        case when amount < 0 then refunded_amount else abs(refunded_amount) end
            as signed_refunded_amount
    from orders
)

select
    -- keys
    order_id,
    coalesce(customer_id, 'anonymous') as customer_id,
    original_order_id,
    subscription_id,

    -- dates
    ordered_at,
    event_date as order_date,
    refunded_at,

    -- words
    order_type,
    status,
    source_name,
    sales_channel,
    currency,

    -- amounts
    amount,
    coalesce(signed_discount_amount, 0) as own_discount_amount,
    coalesce(
        signed_refunded_amount,
        case
            when status = 'refunded' then amount - coalesce(signed_discount_amount, 0)
            else 0
        end
    ) as own_refunded_amount,
    -- a return has either sign, and its discount too
    abs(abs(amount) - coalesce(abs(discount_amount), 0)) as own_paid_amount,
    cost_amount as own_cost_amount,
    exchange_rate,

    -- flags
    is_completed,
    -- the invoice of a subscription is counted through the subscription
    is_completed and subscription_id is null as carries_revenue,
    is_sale,
    is_return
from orders_classified
