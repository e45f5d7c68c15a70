-- Grain: one row per customer with a purchase, day on which the state is looked at, and slice.

with

histories as (
    select
        histories.*,
        {{ segment_columns('customers') }}
    from {{ ref('int_purchase_histories') }} as histories
    inner join {{ ref('int_customers') }} as customers
        on histories.customer_id = customers.customer_id
),

-- what a model is to be used on, and what it is judged by
states as (
    select
        customer_id,
        {{ segment_columns() }},
        'as_of' as cutoff,
        clv_frequency as frequency,
        clv_recency_days as recency_days,
        clv_age_days as age_days,
        repeat_margin_amount,
        cast(null as bigint) as holdout_purchase_days,
        {{ as_amount('null') }} as holdout_margin_amount
    from histories

    union all

    select
        customer_id,
        {{ segment_columns() }},
        'calibration' as cutoff,
        calibration_frequency as frequency,
        calibration_recency_days as recency_days,
        calibration_age_days as age_days,
        calibration_repeat_margin_amount as repeat_margin_amount,
        holdout_purchase_days,
        holdout_margin_amount
    from histories
    where calibration_frequency is not null
),

slices as (
    {{ segment_names() }}
)

select
    -- keys
    states.cutoff,
    slices.segment_name,
    {{ segment_value() }} as segment_value,
    states.customer_id,

    -- what was known
    states.frequency,
    states.recency_days,
    states.age_days,
    states.repeat_margin_amount,

    -- what came
    states.holdout_purchase_days,
    states.holdout_margin_amount
from states
cross join slices
