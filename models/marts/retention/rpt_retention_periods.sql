-- Grain: one row per relationship, period and combination of segments.

select
    -- keys
    relationship,
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- counts
    opening_customers,
    new_customers,
    reactivated_customers,
    lost_customers,
    closing_customers,
    competitor_lost_customers,
    lost_and_returned_customers,
    new_and_lost_customers,
    reactivated_and_lost_customers,
    active_in_period_customers,
    churn_events,

    -- rates
    case
        when is_complete_period then {{ rate('lost_customers', 'opening_customers') }}
    end as churn_rate,
    case
        when is_complete_period then 1 - {{ rate('lost_customers', 'opening_customers') }}
    end as retention_rate,
    case
        when is_complete_period
            then {{ rate('competitor_lost_customers', 'opening_customers') }}
    end as competitor_churn_rate,

    -- flags
    is_complete_period
from {{ ref('int_retention_periods_counted') }}
