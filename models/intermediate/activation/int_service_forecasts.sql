-- Grain: one row per asset and service visit that is predicted, the next one or the last one made.
{{ config(materialized='table') }}

with

readings as (
    select * from {{ ref('stg_usage_readings') }}
),

-- an asset belongs to the customer of its latest reading
asset_owners as (
    select
        readings.asset_id,
        readings.customer_id,
        customers.vertical
    from readings
    inner join {{ ref('int_customers') }} as customers
        on readings.customer_id = customers.customer_id
    qualify row_number() over (
        partition by readings.asset_id
        order by readings.read_at desc
    ) = 1
),

-- a meter runs forwards, so the highest reading of a day is its last
reading_days as (
    select
        asset_id,
        event_date as read_on,
        max(reading) as reading,
        max(case when is_service_visit then 1 else 0 end) = 1 as is_visit
    from readings
    group by asset_id, event_date
),

visits_from_the_last as (
    select
        asset_id,
        read_on,
        row_number() over (
            partition by asset_id
            order by read_on desc
        ) as place_from_the_last
    from reading_days
    where is_visit
),

last_two_visits as (
    select
        asset_id,
        max(case when place_from_the_last = 1 then read_on end) as visited_on,
        max(case when place_from_the_last = 2 then read_on end) as known_until
    from visits_from_the_last
    group by asset_id
),

-- the last visit is predicted from what was known on the day of the visit before it
known_readings as (
    select
        asset_id,
        'next' as predicted_visit,
        cast(null as date) as visited_on,
        read_on,
        reading,
        is_visit
    from reading_days

    union all

    select
        reading_days.asset_id,
        'last' as predicted_visit,
        last_two_visits.visited_on,
        reading_days.read_on,
        reading_days.reading,
        reading_days.is_visit
    from reading_days
    inner join last_two_visits
        on
            reading_days.asset_id = last_two_visits.asset_id
            and reading_days.read_on <= last_two_visits.known_until
),

readings_with_previous as (
    select
        *,
        lag(reading) over (
            partition by asset_id, predicted_visit
            order by read_on
        ) as previous_reading
    from known_readings
),

meters as (
    select
        asset_id,
        predicted_visit,
        visited_on,
        count(*) as readings_count,
        min(read_on) as first_read_on,
        max(read_on) as last_read_on,
        cast(min(reading) as double) as first_reading,
        cast(max(reading) as double) as last_reading,
        max(case when is_visit then read_on end) as last_visit_on,
        cast(max(case when is_visit then reading end) as double) as last_visit_reading,
        {{ days_between('min(read_on)', 'max(read_on)') }} as metered_days,
        -- a meter that runs backwards was replaced, or misread
        count(case when reading < previous_reading then 1 end) = 0 as runs_forwards
    from readings_with_previous
    group by asset_id, predicted_visit, visited_on
),

visits_with_previous as (
    select
        asset_id,
        predicted_visit,
        read_on,
        reading - lag(reading) over previous_visits as distance,
        {{ days_between('lag(read_on) over previous_visits', 'read_on') }} as gap_days
    from known_readings
    where is_visit
    window previous_visits as (
        partition by asset_id, predicted_visit
        order by read_on
    )
),

visits_with_owners as (
    select
        visits_with_previous.*,
        asset_owners.vertical,
        row_number() over (
            partition by visits_with_previous.asset_id, visits_with_previous.predicted_visit
            order by visits_with_previous.read_on desc
        ) as place_from_the_last
    from visits_with_previous
    inner join asset_owners
        on visits_with_previous.asset_id = asset_owners.asset_id
    where visits_with_previous.gap_days is not null
),

own_habits as (
    select
        asset_id,
        predicted_visit,
        median(gap_days) as gap_days,
        cast(median(case when distance > 0 then distance end) as double) as service_interval,
        max(case when place_from_the_last = 1 then gap_days end) as last_gap_days
    from visits_with_owners
    group by asset_id, predicted_visit
),

vertical_habits as (
    select
        vertical,
        predicted_visit,
        median(gap_days) as gap_days,
        cast(median(case when distance > 0 then distance end) as double) as service_interval
    from visits_with_owners
    group by vertical, predicted_visit
),

assets as (
    select
        meters.*,
        asset_owners.customer_id,
        own_habits.last_gap_days,
        own_habits.gap_days as own_gap_days,
        vertical_habits.gap_days as vertical_gap_days,
        coalesce(
            own_habits.service_interval,
            vertical_habits.service_interval,
            cast({{ var('service_interval') or 'null' }} as double)
        ) as service_interval,
        meters.readings_count >= {{ var('meter_min_readings') }}
        and meters.metered_days >= {{ var('meter_min_days') }}
        and meters.last_reading > meters.first_reading
        and meters.runs_forwards as is_metered
    from meters
    inner join asset_owners
        on meters.asset_id = asset_owners.asset_id
    left join own_habits
        on
            meters.asset_id = own_habits.asset_id
            and meters.predicted_visit = own_habits.predicted_visit
    left join vertical_habits
        on
            asset_owners.vertical = vertical_habits.vertical
            and meters.predicted_visit = vertical_habits.predicted_visit
),

-- without a visit, services are due at the multiples of the interval: what was used before the
-- first reading was somebody else's to service
assets_with_marks as (
    select
        *,
        case
            when not is_metered then null
            when last_visit_reading is not null then last_visit_reading + service_interval
            else (floor(first_reading / service_interval) + 1) * service_interval
        end as due_reading,
        case
            when is_metered
                then {{ rate('(last_reading - first_reading)', 'metered_days') }}
        end as daily_use
    from assets
),

-- floating point may miss a whole day; a mark that is passed was so on the day of the reading
assets_with_waits as (
    select
        *,
        case
            when due_reading > last_reading
                then ceil(round((due_reading - last_reading) / daily_use, 6))
            when due_reading <= last_reading then 0
        end as days_to_mark
    from assets_with_marks
)

select
    -- keys
    asset_id,
    predicted_visit,
    customer_id,

    -- dates
    last_read_on,
    last_visit_on,
    visited_on,
    case
        when days_to_mark <= {{ var('service_max_days') }}
            then {{ days_after('last_read_on', 'days_to_mark') }}
    end as due_by_meter_on,
    {{ days_after('last_visit_on', 'ceil(own_gap_days)') }} as due_by_own_gap_on,
    {{ days_after('coalesce(last_visit_on, first_read_on)', 'ceil(vertical_gap_days)') }}
        as due_by_vertical_on,

    -- use
    last_reading,
    daily_use * 365 / 12 as average_monthly_use,
    service_interval,
    due_reading,

    -- gaps
    last_gap_days
from assets_with_waits
