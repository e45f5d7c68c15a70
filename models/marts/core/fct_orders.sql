-- Grain: one row per accepted order.

with

orders as (
    select * from {{ ref('int_orders_valued') }}
),

-- counted over purchases alone, among all that the customer ordered; ties go by order_id
orders_with_history as (
    select
        *,
        count(case when is_purchase then order_id end) over orders_before as purchases_before,
        max(case when is_purchase then order_date end) over orders_before
            as purchased_before_on
    from orders
    window orders_before as (
        partition by customer_id
        order by ordered_at, order_id
        rows between unbounded preceding and 1 preceding
    )
)

select
    -- keys
    order_id,
    customer_id,
    original_order_id,
    subscription_id,

    -- dates
    ordered_at,
    order_date,
    refunded_on,

    -- words
    order_type,
    status,
    sales_channel,
    currency,

    -- amounts
    original_amount,
    gross_amount,
    discount_amount,
    refunded_amount,
    {{ as_amount('gross_amount - discount_amount - refunded_amount') }} as net_revenue_amount,
    cost_amount,
    {{ as_amount('sale_margin_amount + refund_margin_amount') }} as margin_amount,

    -- history
    case
        when is_purchase and customer_id <> 'anonymous' then purchases_before + 1
    end as order_number,
    case
        when is_purchase and customer_id <> 'anonymous'
            then {{ days_between('purchased_before_on', 'order_date') }}
    end as days_since_previous_order,

    -- flags
    is_purchase,
    purchases_before = 0 and customer_id <> 'anonymous' as is_first_order,
    is_margin_estimated
from orders_with_history
