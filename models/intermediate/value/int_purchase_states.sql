-- Grain: one row per customer with a purchase and day on which the state is looked at.

with

histories as (
    select
        histories.*,
        customers.activity_window_days,
        {{ segment_columns('customers') }}
    from {{ ref('int_purchase_histories') }} as histories
    inner join {{ ref('int_customers') }} as customers
        on histories.customer_id = customers.customer_id
),

states as (
    -- the state that forecasts start from
    select
        'as_of' as cutoff,
        customer_id,
        {{ segment_columns() }},
        clv_frequency as frequency,
        clv_recency_days as recency_days,
        clv_age_days as age_days,
        repeat_margin_amount,
        activity_window_days,
        cast(null as bigint) as holdout_purchase_days,
        cast(null as bigint) as days_to_holdout_purchase,
        {{ as_amount('null') }} as holdout_margin_amount
    from histories

    union all

    -- the state that the model is tested on
    select
        'calibration' as cutoff,
        customer_id,
        {{ segment_columns() }},
        calibration_frequency as frequency,
        calibration_recency_days as recency_days,
        calibration_age_days as age_days,
        calibration_repeat_margin_amount as repeat_margin_amount,
        activity_window_days,
        holdout_purchase_days,
        days_to_holdout_purchase,
        holdout_margin_amount
    from histories
    where calibration_frequency is not null
),

-- few: one order does not set what a customer is expected to bring
excess_margins as (
    select
        orders.cutoff,
        orders.customer_id,
        sum(orders.excess_margin_amount) as excess_margin
    from {{ ref('int_order_margins_limited') }} as orders
    inner join {{ ref('int_purchase_histories') }} as histories
        on
            orders.customer_id = histories.customer_id
            and orders.order_date > histories.first_purchase_on
    group by orders.cutoff, orders.customer_id
)

select
    -- keys
    states.cutoff,
    states.customer_id,
    {{ segment_columns('states') }},

    -- what the model knows
    states.frequency,
    states.recency_days,
    states.age_days,
    states.repeat_margin_amount,
    {{ as_amount('states.repeat_margin_amount - coalesce(excess_margins.excess_margin, 0)') }}
        as limited_repeat_margin_amount,

    -- what the activity window says
    states.activity_window_days,
    states.age_days - states.recency_days >= states.activity_window_days as is_churned,

    -- what happened afterwards
    states.holdout_purchase_days,
    states.days_to_holdout_purchase,
    states.holdout_margin_amount
from states
left join excess_margins
    on
        states.cutoff = excess_margins.cutoff
        and states.customer_id = excess_margins.customer_id
