-- Grain: one row per loyalty programme and customer who joined it.

with

stays as (
    select * from {{ ref('int_programme_stays') }}
),

first_days as (
    select
        programme,
        customer_id,
        min(active_from) as joined_on
    from stays
    group by programme, customer_id
)

select
    -- keys
    programme,
    customer_id,

    -- dates
    joined_on,
    -- from here on joiners and others are watched: whoever joins has just been active on the day
    {{ months_after(period_start("'quarter'", 'joined_on'), 3) }} as watched_from
from first_days
