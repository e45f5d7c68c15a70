-- Grain: one row per month, quarter and year that has begun by as-of.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

dates as (
    select * from {{ ref('int_dates') }}
),

periods as (
    select
        'month' as period_grain,
        month_start_date as period_start_date,
        {{ months_after('month_start_date', 1) }} as next_period_start_date
    from dates
    where is_past

    union

    select
        'quarter' as period_grain,
        quarter_start_date as period_start_date,
        {{ months_after('quarter_start_date', 3) }} as next_period_start_date
    from dates
    where is_past

    union

    select
        'year' as period_grain,
        year_start_date as period_start_date,
        {{ months_after('year_start_date', 12) }} as next_period_start_date
    from dates
    where is_past
)

select
    -- keys
    periods.period_grain,
    periods.period_start_date,

    -- dates
    periods.next_period_start_date,
    least({{ days_after('periods.next_period_start_date', -1) }}, settings.as_of_date)
        as closes_on,

    -- flags
    periods.next_period_start_date <= {{ days_after('settings.as_of_date', 1) }}
        as is_complete_period
from periods
cross join settings
