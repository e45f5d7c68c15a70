-- Grain: one row per membership of a loyalty programme that lasted a day at least.

select
    -- keys
    customer_id,
    programme,
    coalesce(tier, 'unknown') as tier,

    -- dates
    event_date as active_from,
    coalesce({{ reporting_day('left_at') }}, {{ open_end() }}) as active_to
from {{ ref('stg_loyalty_memberships') }}
-- a membership that ends on the day it began never counts
where left_at is null or {{ reporting_day('left_at') }} > event_date
