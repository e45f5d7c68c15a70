-- Grain: one row per relationship, cohort month, months since and combination of segments.

select
    -- keys
    relationship,
    cohort_month,
    months_since,
    {{ segment_columns() }},

    -- counts
    cohort_customers,
    purchasing_customers,
    active_customers,

    -- amounts
    revenue_amount,
    margin_amount,
    cumulative_revenue_amount,
    cumulative_margin_amount,
    {{ amount_per('cumulative_revenue_amount', 'cohort_customers') }}
        as cumulative_revenue_per_customer_amount,
    {{ amount_per('cumulative_margin_amount', 'cohort_customers') }}
        as cumulative_margin_per_customer_amount,

    -- rates
    {{ rate('active_customers', 'cohort_customers') }} as active_rate,
    {{ rate('purchasing_customers', 'cohort_customers') }} as purchasing_rate,

    -- flags
    is_complete_period
from {{ ref('int_cohort_months_earned') }}
