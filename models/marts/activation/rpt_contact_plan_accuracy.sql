-- Grain: one row per method and slice with a visit that it predicts.
{%- set sides = [
    'compared_share', 'compared_low', 'compared_high', 'naive_share', 'naive_low', 'naive_high',
] %}

with

visits as (
    select
        tested.*,
        {{ slice_columns('customers') }}
    from {{ ref('int_visits_tested') }} as tested
    inner join {{ ref('int_customers') }} as customers
        on tested.customer_id = customers.customer_id
),

visits_by_slice as (
    {{ rows_by_slice('visits') }}
),

counts as (
    select
        method,
        segment_name,
        segment_value,
        count(*) as visits,
        count(case when is_forecast_close then 1 end) as close_visits,
        median(forecast_error_days) as median_error_days,
        count(naive_days) as compared_visits,
        count(case when naive_days is not null and is_forecast_close then 1 end)
            as compared_close_visits,
        count(case when is_naive_close then 1 end) as naive_close_visits,
        count(case when is_naive_close and is_forecast_close then 1 end) as both_close_visits,
        median(naive_error_days) as naive_median_error_days
    from visits_by_slice
    group by method, segment_name, segment_value
),

rates as (
    select
        *,
        {{ rate('compared_close_visits', 'compared_visits') }} as compared_share,
        {{ wilson_bound('compared_close_visits', 'compared_visits', '-') }} as compared_low,
        {{ wilson_bound('compared_close_visits', 'compared_visits', '+') }} as compared_high,
        {{ rate('naive_close_visits', 'compared_visits') }} as naive_share,
        {{ wilson_bound('naive_close_visits', 'compared_visits', '-') }} as naive_low,
        {{ wilson_bound('naive_close_visits', 'compared_visits', '+') }} as naive_high,
        {{ paired_correlation(
            'both_close_visits', 'compared_close_visits', 'naive_close_visits', 'compared_visits'
        ) }} as correlation
    from counts
)

select
    -- keys
    method,
    segment_name,
    segment_value,

    -- counts
    visits,
    close_visits,
    compared_visits,
    compared_close_visits,
    naive_close_visits,
    both_close_visits,

    -- errors
    cast(median_error_days as double) as median_error_days,
    cast(naive_median_error_days as double) as naive_median_error_days,

    -- rates
    {{ rate('close_visits', 'visits') }} as close_share,
    {{ wilson_bound('close_visits', 'visits', '-') }} as close_share_low,
    {{ wilson_bound('close_visits', 'visits', '+') }} as close_share_high,
    compared_share as compared_close_share,
    naive_share as naive_close_share,
    naive_low as naive_close_share_low,
    naive_high as naive_close_share_high,
    compared_share - naive_share as close_share_difference,
    {{ difference_bound(*sides, side='-', correlation='correlation') }} as ci_low,
    {{ difference_bound(*sides, side='+', correlation='correlation') }} as ci_high
from rates
