-- Grain: one row per relationship, period and combination of segments.

with

periods as (
    select
        *,
        case when is_complete_period and has_rates then opening_customers end
            as rated_customers
    from {{ ref('int_retention_periods_counted') }}
),

rates as (
    select
        *,
        {{ rate('lost_customers', 'rated_customers') }} as churn_rate,
        {{ rate('competitor_lost_customers', 'rated_customers') }} as competitor_churn_rate
    from periods
)

select
    -- keys
    relationship,
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- dates
    closes_on,

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
    churn_rate,
    1 - churn_rate as retention_rate,
    1 - {{ annual_rate('(1 - churn_rate)', 'period_grain') }} as annualised_churn_rate,
    competitor_churn_rate,

    -- flags
    is_complete_period
from rates
