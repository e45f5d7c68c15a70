-- Grain: one row per month, quarter and year that has begun by as-of.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

dates as (
    select * from {{ ref('int_dates') }}
),

periods as (
    {%- for period_grain, months in period_grains().items() %}
    select
        '{{ period_grain }}' as period_grain,
        {{ period_grain }}_start_date as period_start_date,
        {{ months_after(period_grain ~ '_start_date', months) }} as next_period_start_date
    from dates
    where is_past
    {{ 'union' if not loop.last }}
    {%- endfor %}
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
