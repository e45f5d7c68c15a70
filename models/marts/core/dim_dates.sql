-- Grain: one row per day, from the first event to the end of next year.

select
    -- keys
    date_day,

    -- periods
    month_start_date,
    quarter_start_date,
    year_start_date,

    -- parts
    cast(year(date_day) as integer) as year_number,
    cast(quarter(date_day) as integer) as quarter_number,
    cast(month(date_day) as integer) as month_number,
    cast(day(date_day) as integer) as day_of_month,
    -- counted from a Monday before any plausible day, the same way on every engine
    cast(
        {{ days_between("cast('0001-01-01' as date)", 'date_day') }} % 7 + 1 as integer
    ) as iso_day_of_week,

    -- flags
    is_past
from {{ ref('int_dates') }}
