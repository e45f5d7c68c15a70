-- Grain: one row per interval in which something keeps a customer active; intervals may overlap.

with

purchases as (
    select
        purchases.customer_id,
        purchases.order_date,
        purchases.order_number,
        purchases.days_since_previous_order,
        customers.activity_window_days
    from {{ ref('int_orders_sequenced') }} as purchases
    inner join {{ ref('int_customers') }} as customers
        on purchases.customer_id = customers.customer_id
    where purchases.is_purchase
),

last_purchases as (
    select
        customer_id,
        max(order_date) as last_order_date
    from purchases
    group by customer_id
),

-- a purchase keeps its customer active for the window of the vertical; only a purchase after that
-- window begins a new interval
run_starts as (
    select
        *,
        lead(
            {{ days_after('order_date', '-days_since_previous_order') }}
        ) over (
            partition by customer_id
            order by order_number
        ) as run_last_order_date
    from purchases
    where order_number = 1 or days_since_previous_order > activity_window_days
),

-- the days on which MRR starts from zero or falls to zero
subscription_ends as (
    select
        customer_id,
        changed_on,
        mrr_before_amount = 0 as is_start,
        lead(changed_on) over (
            partition by customer_id
            order by changed_on
        ) as next_changed_on
    from {{ ref('int_mrr_steps') }}
    where mrr_before_amount = 0 or mrr_after_amount = 0
)

select
    run_starts.customer_id,
    'orders' as relationship,
    run_starts.order_date as active_from,
    {{ days_after(
        'coalesce(run_starts.run_last_order_date, last_purchases.last_order_date)',
        'run_starts.activity_window_days',
    ) }} as active_to
from run_starts
inner join last_purchases
    on run_starts.customer_id = last_purchases.customer_id

union all

select
    customer_id,
    'subscription' as relationship,
    changed_on as active_from,
    coalesce(next_changed_on, {{ open_end() }}) as active_to
from subscription_ends
where is_start

union all

-- what was bought for life keeps its customer for good, without MRR
select
    customer_id,
    'subscription' as relationship,
    started_on as active_from,
    coalesce(stopped_on, {{ open_end() }}) as active_to
from {{ ref('int_subscription_versions') }}
where is_for_life and (stopped_on is null or started_on < stopped_on)
