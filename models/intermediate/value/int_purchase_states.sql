-- Grain: one row per customer with a purchase and day on which the state is looked at.

with

histories as (
    select
        histories.*,
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

    -- what happened afterwards
    cast(null as bigint) as holdout_purchase_days,
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
    holdout_purchase_days,
    holdout_margin_amount
from histories
where calibration_frequency is not null
