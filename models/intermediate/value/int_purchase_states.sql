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
)

-- the state that forecasts start from
select
    -- keys
    'as_of' as cutoff,
    customer_id,
    {{ segment_columns() }},

    -- what the model knows
    clv_frequency as frequency,
    clv_recency_days as recency_days,
    clv_age_days as age_days,
    repeat_margin_amount,

    -- what the activity window says
    activity_window_days,
    clv_age_days - clv_recency_days >= activity_window_days as is_churned,

    -- what happened afterwards
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
    calibration_age_days - calibration_recency_days >= activity_window_days as is_churned,
    holdout_purchase_days,
    days_to_holdout_purchase,
    holdout_margin_amount
from histories
where calibration_frequency is not null
