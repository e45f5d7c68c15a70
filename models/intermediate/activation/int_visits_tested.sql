-- Grain: one row per last visit, of a customer or an asset, and method that predicts it.
{{ config(materialized='table') }}

with

-- habits of two gaps predict, and a third is predicted
histories as (
    select * from {{ ref('int_purchase_histories') }}
    where clv_frequency >= 3
),

purchase_gaps as (
    select
        orders.customer_id,
        orders.order_date as visited_on,
        orders.days_since_previous_order as gap_days,
        orders.order_date = histories.last_purchase_on as is_last,
        lag(orders.days_since_previous_order) over (
            partition by orders.customer_id
            order by orders.order_date
        ) as previous_gap_days
    from {{ ref('int_orders_sequenced') }} as orders
    inner join histories
        on orders.customer_id = histories.customer_id
    where orders.is_purchase and orders.days_since_previous_order > 0
),

purchases as (
    select
        customer_id,
        max(visited_on) as visited_on,
        max(case when is_last then gap_days end) as gap_days,
        ceil(median(case when not is_last then gap_days end)) as forecast_days,
        max(case when is_last then previous_gap_days end) as naive_days
    from purchase_gaps
    group by customer_id
),

services as (
    select * from {{ ref('int_service_forecasts') }}
    where predicted_visit = 'last'
),

visits as (
    select
        'median own gap' as method,
        customer_id,
        'none' as asset_id,
        visited_on,
        gap_days,
        forecast_days,
        naive_days
    from purchases
    {%- for method, due_on in {
        'meter': 'due_by_meter_on',
        'own gap': 'due_by_own_gap_on',
        'vertical': 'due_by_vertical_on',
    }.items() %}

    union all

    select
        '{{ method }}' as method,
        customer_id,
        asset_id,
        visited_on,
        {{ days_between('last_visit_on', 'visited_on') }} as gap_days,
        {{ days_between('last_visit_on', due_on) }} as forecast_days,
        last_gap_days as naive_days
    from services
    where {{ due_on }} is not null
    {%- endfor %}
)

select
    -- keys
    method,
    customer_id,
    asset_id,

    -- dates
    visited_on,

    -- gaps
    gap_days,
    cast(forecast_days as bigint) as forecast_days,
    naive_days,

    -- errors
    cast(abs(forecast_days - gap_days) as bigint) as forecast_error_days,
    abs(naive_days - gap_days) as naive_error_days,

    -- flags
    abs(forecast_days - gap_days) <= {{ var('visit_tolerance_share') }} * gap_days
        as is_forecast_close,
    abs(naive_days - gap_days) <= {{ var('visit_tolerance_share') }} * gap_days
        as is_naive_close
from visits
