-- Grain: one row per month, quarter, year and twelve months to a month, and week where weeks are
-- reported, that has begun by as-of.

select
    -- keys
    period_grain,
    period_start_date,

    -- dates
    next_period_start_date,
    closes_on,

    -- flags
    has_rates,
    is_complete_period
from {{ ref('int_periods') }}
