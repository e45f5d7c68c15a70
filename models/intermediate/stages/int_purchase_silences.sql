-- Grain: one row per customer and silence that is longer than the customer's own rhythm allows.

with

-- a silence is between two days, so the first purchase of a day stands for the others; a
-- customer has at most as many days as the calendar, however many purchases
purchase_days as (
    select
        orders.customer_id,
        orders.order_date,
        orders.days_since_previous_order as gap_days,
        customers.activity_window_days
    from {{ ref('int_orders_sequenced') }} as orders
    inner join {{ ref('int_customers') }} as customers
        on orders.customer_id = customers.customer_id
    where
        orders.is_purchase
        and (orders.order_number = 1 or orders.days_since_previous_order > 0)
),

days_with_rhythm as (
    select
        customer_id,
        order_date,
        activity_window_days,
        lead(gap_days) over (
            partition by customer_id
            order by order_date
        ) as days_to_next,
        count(gap_days) over days_so_far as gaps,
        {{ running_median('gap_days', 'days_so_far') }} as median_gap_days
    from purchase_days
    window days_so_far as (
        partition by customer_id
        order by order_date
        rows unbounded preceding
    )
),

days_with_patience as (
    select
        customer_id,
        order_date,
        days_to_next,
        {{ patience_days('activity_window_days', 'gaps', 'median_gap_days') }} as patience_days
    from days_with_rhythm
)

select
    customer_id,
    {{ days_after('order_date', 'patience_days') }} as silent_from,
    {{ days_after('order_date', 'days_to_next') }} as silent_to
from days_with_patience
where days_to_next is null or patience_days < days_to_next
