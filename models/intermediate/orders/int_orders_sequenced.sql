-- Grain: one row per accepted order of a known customer.
{{ config(materialized='table') }}

with

orders as (
    select * from {{ ref('int_orders_valued') }}
    where customer_id <> 'anonymous'
),

-- only purchases are counted, in the order of all the customer's orders; ties go by order_id
orders_with_history as (
    select
        order_id,
        customer_id,
        order_date,
        is_purchase,
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

    -- dates
    order_date,

    -- history
    case when is_purchase then purchases_before + 1 end as order_number,
    case when is_purchase then {{ days_between('purchased_before_on', 'order_date') }} end
        as days_since_previous_order,

    -- flags
    is_purchase,
    purchases_before = 0 as is_first_order
from orders_with_history
