-- The day of the week, which dim_dates works out by itself, agrees with the weeks of the engine.
select
    date_day,
    iso_day_of_week
from {{ ref('dim_dates') }}
where
    {{ days_between("cast(date_trunc('week', date_day) as date)", 'date_day') }} + 1
    <> iso_day_of_week
