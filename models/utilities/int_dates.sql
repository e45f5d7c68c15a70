-- Grain: one row per day, from the first event to the end of next year.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

first_events as (
    select min(known_since) as first_event_on from {{ ref('int_customers') }}
    union all
    select min(order_date) as first_event_on from {{ ref('int_orders_classified') }}
    union all
    -- an invitation precedes the answer that dates its row, and an answer may have no customer
    select min(invited_on) as first_event_on from {{ ref('int_survey_responses') }}
    union all
    select min(responded_on) as first_event_on from {{ ref('int_survey_responses') }}
),

date_range as (
    select
        least(
            coalesce(min(first_events.first_event_on), settings.as_of_date),
            settings.as_of_date
        ) as first_day,
        {{ days_after(
            months_after("cast(date_trunc('year', settings.as_of_date) as date)", 24), -1
        ) }} as last_day
    from first_events
    cross join settings
    group by settings.as_of_date
),

days as (
    {{ dates_from_to('first_day', 'last_day', 'date_range') }}
)

select
    -- keys
    days.date_day,

    -- periods
    {{ month_start('days.date_day') }} as month_start_date,
    cast(date_trunc('quarter', days.date_day) as date) as quarter_start_date,
    cast(date_trunc('year', days.date_day) as date) as year_start_date,

    -- flags
    days.date_day <= settings.as_of_date as is_past
from days
cross join settings
