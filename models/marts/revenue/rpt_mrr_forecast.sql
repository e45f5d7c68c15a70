-- Grain: one row per month ahead.

with

forecasts as (
    select * from {{ ref('int_mrr_forecasts') }}
),

-- how good the same forecast was from the day before the hold-out, and one that changes nothing
holdouts as (
    select
        count(forecast_mrr_amount) as months,
        sum(
            case
                when actual_mrr_amount between forecast_low_amount and forecast_high_amount then 1
                else 0
            end
        ) as months_in_interval,
        {{ rate(
            'sum(abs(forecast_mrr_amount - actual_mrr_amount))',
            'sum(case when forecast_mrr_amount is not null then actual_mrr_amount end)',
        ) }} as forecast_error,
        {{ rate(
            'sum(case when forecast_mrr_amount is not null'
            ~ ' then abs(current_mrr_amount - actual_mrr_amount) end)',
            'sum(case when forecast_mrr_amount is not null then actual_mrr_amount end)',
        ) }} as naive_error
    from forecasts
    where cutoff = 'calibration'
),

forecasts_judged as (
    select
        forecasts.*,
        holdouts.months,
        coalesce(holdouts.months_in_interval, 0) as months_in_interval,
        holdouts.forecast_error,
        holdouts.naive_error,
        case
            when holdouts.forecast_error is null then 'no hold-out'
            when holdouts.forecast_error >= holdouts.naive_error then 'worse than naive'
            when forecasts.forecast_mrr_amount is null then 'history too short'
            else 'used'
        end as forecast_status
    from forecasts
    cross join holdouts
    where forecasts.cutoff = 'as_of'
)

select
    -- keys
    months_ahead,

    -- dates
    {{ month_start('closes_on') }} as month_start_date,
    closes_on,

    -- amounts
    current_mrr_amount,
    case when forecast_status = 'used' then kept_mrr_amount end as kept_mrr_amount,
    case when forecast_status = 'used' then retained_mrr_amount end as retained_mrr_amount,
    case when forecast_status = 'used' then new_mrr_amount end as new_mrr_amount,
    case when forecast_status = 'used' then forecast_mrr_amount end as forecast_mrr_amount,
    case when forecast_status = 'used' then forecast_low_amount end as forecast_low_amount,
    case when forecast_status = 'used' then forecast_high_amount end as forecast_high_amount,

    -- words
    renewal_method,
    forecast_status,

    -- the hold-out
    cast(months as bigint) as holdout_months,
    cast(months_in_interval as bigint) as holdout_months_in_interval,
    forecast_error as holdout_forecast_error,
    naive_error as holdout_naive_error
from forecasts_judged
