-- Grain: one row per customer and silence that is longer than the customer's own rhythm allows.

with

purchases as (
    select
        orders.customer_id,
        orders.order_date,
        orders.order_number,
        orders.days_since_previous_order,
        -- purchases of the same day have no gap between them
        case when orders.days_since_previous_order > 0 then orders.days_since_previous_order end
            as gap_days,
        customers.activity_window_days
    from {{ ref('int_orders_sequenced') }} as orders
    inner join {{ ref('int_customers') }} as customers
        on orders.customer_id = customers.customer_id
    where orders.is_purchase
),

purchases_with_rhythm as (
    select
        customer_id,
        order_date,
        activity_window_days,
        lead(days_since_previous_order) over (
            partition by customer_id
            order by order_number
        ) as days_to_next,
        count(gap_days) over purchases_so_far as gaps,
        {{ running_median('gap_days', 'purchases_so_far') }} as median_gap_days
    from purchases
    window purchases_so_far as (
        partition by customer_id
        order by order_number
        rows unbounded preceding
    )
),

purchases_with_patience as (
    select
        customer_id,
        order_date,
        days_to_next,
        cast(ceil(
            case
                when gaps < 2
                    then activity_window_days * {{ var('at_risk_default_window_share') }}
                else least(
                    greatest(
                        {{ var('at_risk_gap_multiple') }} * median_gap_days,
                        {{ var('at_risk_min_days') }}
                    ),
                    activity_window_days * {{ var('at_risk_max_window_share') }}
                )
            end
        ) as integer) as patience_days
    from purchases_with_rhythm
)

select
    customer_id,
    {{ days_after('order_date', 'patience_days') }} as silent_from,
    {{ days_after('order_date', 'days_to_next') }} as silent_to
from purchases_with_patience
where days_to_next is null or patience_days < days_to_next
