-- Grain: one row per return that belongs to a sale.
{{ config(materialized='table', post_hook='{{ warn_of_returns_without_their_sale() }}') }}

with

-- a pending or cancelled order takes nothing back, cannot be taken back, and stands between nothing
orders as {{ not_materialized() }} (
    select * from {{ ref('int_orders_classified') }}
    where is_completed
),

returns as (
    select
        order_id,
        customer_id,
        original_order_id,
        currency,
        own_paid_amount,
        exchange_rate,
        {{ as_amount('case when carries_revenue then abs(amount) else 0 end') }}
            as own_returned_amount
    from orders
    where is_return
),

returns_by_id as (
    select
        returns.order_id,
        sales.order_id as sale_order_id,
        sales.order_date as sale_date
    from returns
    inner join orders as sales
        on
            returns.original_order_id = sales.order_id
            and returns.customer_id = sales.customer_id
            and returns.currency = sales.currency
    where sales.is_sale
),

-- few of all orders have an amount that their customer took back without saying what: only these
-- are put in order
amounts_returned as (
    select distinct
        customer_id,
        currency,
        own_paid_amount
    from returns
    where original_order_id is null and customer_id <> 'anonymous'
),

orders_of_amounts as (
    select
        orders.order_id,
        orders.order_date,
        orders.is_return and orders.original_order_id is null as is_return_without_id,
        lag(orders.order_id) over orders_of_amount as previous_order_id,
        lag(orders.order_date) over orders_of_amount as previous_order_date,
        lag(orders.is_sale and orders.own_refunded_amount = 0) over orders_of_amount
            as is_previous_returnable
    from orders
    inner join amounts_returned
        on
            orders.customer_id = amounts_returned.customer_id
            and orders.currency = amounts_returned.currency
            and orders.own_paid_amount = amounts_returned.own_paid_amount
    window orders_of_amount as (
        partition by orders.customer_id, orders.currency, orders.own_paid_amount
        order by orders.ordered_at, orders.order_id
    )
),

returns_by_amount as (
    select
        order_id,
        previous_order_id as sale_order_id,
        previous_order_date as sale_date
    from orders_of_amounts
    where
        is_return_without_id
        and is_previous_returnable
        and {{ days_between('previous_order_date', 'order_date') }}
        <= {{ var('return_match_days') }}
        and previous_order_id not in (select returns_by_id.sale_order_id from returns_by_id)
),

matches as (
    select
        *,
        'original_order_id' as matched_by
    from returns_by_id

    union all

    select
        *,
        'amount' as matched_by
    from returns_by_amount
)

select
    -- keys
    matches.order_id,
    matches.sale_order_id,

    -- dates
    matches.sale_date,

    -- words
    matches.matched_by,

    -- amounts
    returns.own_returned_amount,
    {{ in_reporting_currency('returns.own_returned_amount') }} as returned_amount
from matches
inner join returns
    on matches.order_id = returns.order_id
