-- Grain: one row per accepted order.
-- A view in a warehouse, a table in the file that is published: its rows are written once.
{{ config(materialized='view') }}

with

orders as (
    select * from {{ ref('int_orders_valued') }}
),

orders_sequenced as (
    select * from {{ ref('int_orders_sequenced') }}
)

select
    -- keys
    orders.order_id,
    orders.customer_id,
    orders.original_order_id,
    orders.sale_order_id,
    orders.subscription_id,

    -- dates
    orders.ordered_at,
    orders.order_date,
    orders.refunded_on,

    -- words
    orders.order_type,
    orders.status,
    orders.source_name,
    orders.sales_channel,
    orders.currency,

    -- amounts
    orders.original_amount,
    orders.gross_amount,
    orders.discount_amount,
    orders.refunded_amount,
    orders.returned_amount,
    orders.net_revenue_amount,
    orders.cost_amount,
    orders.margin_amount,

    -- history
    orders_sequenced.order_number,
    orders_sequenced.days_since_previous_order,

    -- flags
    orders.is_purchase,
    coalesce(orders_sequenced.is_first_order, false) as is_first_order,
    orders.is_margin_estimated
from orders
left join orders_sequenced
    on orders.order_id = orders_sequenced.order_id
