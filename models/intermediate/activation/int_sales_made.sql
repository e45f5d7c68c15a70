-- Grain: one row per purchase, and per day on which a customer begins to pay for a subscription.

with

-- by customer: a subscription that is handed over is new to the one who receives it
subscription_starts as (
    select
        customer_id,
        subscription_id,
        min(started_on) as first_paid_on
    from {{ ref('int_subscription_versions') }}
    where is_paying
    group by customer_id, subscription_id
),

days_of_subscription_starts as (
    select distinct
        customer_id,
        first_paid_on
    from subscription_starts
),

-- a subscription that takes the place of another one and brings no more is a change of plan
subscription_sales as (
    select
        steps.customer_id,
        steps.changed_on
    from {{ ref('int_mrr_steps') }} as steps
    left join days_of_subscription_starts
        on
            steps.customer_id = days_of_subscription_starts.customer_id
            and steps.changed_on = days_of_subscription_starts.first_paid_on
    where
        steps.mrr_after_amount > steps.mrr_before_amount + steps.fx_change_amount
        and (
            steps.mrr_before_amount = 0
            or days_of_subscription_starts.first_paid_on is not null
        )
)

select
    customer_id,
    order_date as sold_on,
    'purchase' as sale_type
from {{ ref('int_orders_sequenced') }}
where is_purchase

union all

select
    customer_id,
    changed_on as sold_on,
    'subscription' as sale_type
from subscription_sales
