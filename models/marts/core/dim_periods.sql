-- Grain: one row per month, quarter and year that has begun by as-of.

select
    -- keys
    period_grain,
    period_start_date,

    -- dates
    next_period_start_date,
    closes_on,

    -- flags
    is_complete_period
from {{ ref('int_periods') }}
