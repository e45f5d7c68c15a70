-- Grain: one row per customer with a purchase.
{{ config(materialized='table') }}

with

settings as (
    select
        as_of_date,
        {{ calibrated_on('as_of_date') }} as calibrated_on
    from {{ ref('int_run_settings') }}
),

-- the first purchase of a day stands for that day, which avoids a count(distinct)
purchase_days as (
    select
        orders.customer_id,
        settings.as_of_date,
        settings.calibrated_on,
        min(orders.order_date) as first_purchase_on,
        max(orders.order_date) as last_purchase_on,
        min(case when orders.days_since_previous_order > 0 then orders.order_date end)
            as second_purchase_on,
        median(orders.days_since_previous_order) as median_gap_days,
        max(case when orders.order_date <= settings.calibrated_on then orders.order_date end)
            as last_calibration_purchase_on,
        min(case when orders.order_date > settings.calibrated_on then orders.order_date end)
            as first_holdout_purchase_on,
        count(*) as purchase_days_count,
        count(case when orders.order_date > settings.calibrated_on then 1 end)
            as holdout_purchase_days
    from {{ ref('int_orders_sequenced') }} as orders
    cross join settings
    where
        orders.is_purchase
        and coalesce(orders.days_since_previous_order > 0, true)
    group by orders.customer_id, settings.as_of_date, settings.calibrated_on
),

-- the second grouping: a row per customer with the first day is enough to recognise repeats. All
-- orders count, and a return counts on the day of its sale, so that what came back cancels out.
purchase_margins as (
    select
        orders.customer_id,
        sum(orders.margin_amount) as margin,
        sum(
            case
                when orders.value_date <= purchase_days.calibrated_on then orders.margin_amount
                else 0
            end
        ) as calibration_margin,
        sum(
            case
                when orders.value_date > purchase_days.first_purchase_on
                    then orders.margin_amount
                else 0
            end
        ) as repeat_margin,
        sum(
            case
                when
                    orders.value_date > purchase_days.first_purchase_on
                    and orders.value_date <= purchase_days.calibrated_on
                    then orders.margin_amount
                else 0
            end
        ) as calibration_repeat_margin,
        sum(
            case
                when orders.value_date > purchase_days.calibrated_on then orders.margin_amount
                else 0
            end
        ) as holdout_margin
    from {{ ref('int_orders_valued') }} as orders
    inner join purchase_days
        on orders.customer_id = purchase_days.customer_id
    group by orders.customer_id
)

select
    -- keys
    purchase_days.customer_id,

    -- dates
    purchase_days.first_purchase_on,
    purchase_days.second_purchase_on,
    purchase_days.last_purchase_on,

    -- by as-of
    purchase_days.purchase_days_count,
    cast(purchase_days.median_gap_days as double) as median_gap_days,
    purchase_days.purchase_days_count - 1 as clv_frequency,
    {{ days_between('purchase_days.first_purchase_on', 'purchase_days.last_purchase_on') }}
        as clv_recency_days,
    {{ days_between('purchase_days.first_purchase_on', 'purchase_days.as_of_date') }}
        as clv_age_days,
    {{ as_amount('purchase_margins.margin') }} as margin_amount,
    {{ as_amount('purchase_margins.repeat_margin') }} as repeat_margin_amount,

    -- by the day before the hold-out; NULL for customers who had not bought yet
    case
        when purchase_days.first_purchase_on <= purchase_days.calibrated_on
            then purchase_days.purchase_days_count - purchase_days.holdout_purchase_days - 1
    end as calibration_frequency,
    {{ days_between(
        'purchase_days.first_purchase_on', 'purchase_days.last_calibration_purchase_on'
    ) }} as calibration_recency_days,
    case
        when purchase_days.first_purchase_on <= purchase_days.calibrated_on
            then
                {{ days_between(
                    'purchase_days.first_purchase_on', 'purchase_days.calibrated_on'
                ) }}
    end as calibration_age_days,
    case
        when purchase_days.first_purchase_on <= purchase_days.calibrated_on
            then {{ as_amount('purchase_margins.calibration_margin') }}
    end as calibration_margin_amount,
    case
        when purchase_days.first_purchase_on <= purchase_days.calibrated_on
            then {{ as_amount('purchase_margins.calibration_repeat_margin') }}
    end as calibration_repeat_margin_amount,

    -- in the hold-out
    purchase_days.holdout_purchase_days,
    {{ days_between('purchase_days.calibrated_on', 'purchase_days.first_holdout_purchase_on') }}
        as days_to_holdout_purchase,
    {{ as_amount('purchase_margins.holdout_margin') }} as holdout_margin_amount
from purchase_days
inner join purchase_margins
    on purchase_days.customer_id = purchase_margins.customer_id
