-- Grain: one row per month, quarter, year and twelve months to a month, and week where weeks are
-- reported, that has begun by as-of.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

dates as (
    select * from {{ ref('int_dates') }}
),

first_facts as (
    select min(order_date) as first_fact_on from {{ ref('int_orders_classified') }}
    union all
    select min(event_date) as first_fact_on from {{ ref('stg_subscriptions') }}
    union all
    -- an invitation precedes its answer, and an answer may have no invitation
    select min(invited_on) as first_fact_on from {{ ref('int_survey_responses') }}
    union all
    select min(responded_on) as first_fact_on from {{ ref('int_survey_responses') }}
),

-- the data begin with the month of the first fact: an order on January 2 begins a whole year
beginnings as (
    select {{ month_start('min(first_fact_on)') }} as first_month
    from first_facts
),

calendar_periods as (
    {%- for period_grain, months in period_grains().items() %}
    select
        '{{ period_grain }}' as period_grain,
        {{ period_grain }}_start_date as period_start_date,
        {{ months_after(period_grain ~ '_start_date', months) }} as next_period_start_date
    from dates
    where is_past
    {{ 'union' if not loop.last }}
    {%- endfor %}
    {%- if var('report_weeks') %}
    union
    select
        'week' as period_grain,
        {{ period_start("'week'", 'date_day') }} as period_start_date,
        {{ days_after(period_start("'week'", 'date_day'), 7) }} as next_period_start_date
    from dates
    where is_past
    {%- endif %}
),

periods as (
    select * from calendar_periods

    union all

    select
        '{{ trailing_grain() }}' as period_grain,
        {{ trailing_start('period_start_date') }} as period_start_date,
        next_period_start_date
    from calendar_periods
    where period_grain = 'month'
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
    coalesce(periods.period_start_date >= settings.history_starts_on, true)
    and (
        periods.period_grain <> '{{ trailing_grain() }}'
        or coalesce(periods.period_start_date >= beginnings.first_month, true)
    ) as has_rates,
    periods.next_period_start_date <= {{ days_after('settings.as_of_date', 1) }}
        as is_complete_period
from periods
cross join settings
cross join beginnings
