-- Grain: one row per relationship, complete month and combination of segments with margin.

select
    -- keys
    relationship,
    {{ months_after('cohort_month', 'months_since') }} as margin_month,
    {{ segment_columns() }},

    -- sums
    sum(margin_amount) as margin_amount,
    sum(absolute_revenue_amount) as absolute_revenue_amount,
    sum(uncosted_revenue_amount) as uncosted_revenue_amount
from {{ ref('int_cohort_months_earned') }}
where is_complete_period
group by
    relationship,
    {{ months_after('cohort_month', 'months_since') }},
    {{ segment_columns() }}
