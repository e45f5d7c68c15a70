-- Grain: one row per relationship, cohort month, months since and combination of segments.
{{ config(post_hook='{{ warn_of_oversized_first_cohort() }}') }}

with

cohorts as (
    select * from {{ ref('int_cohort_months_earned') }}
),

cohort_sizes as (
    select
        relationship,
        cohort_month,
        sum(cohort_customers) as cohort_customers
    from cohorts
    where months_since = 0 and is_complete_period
    group by relationship, cohort_month
),

cohorts_numbered as (
    select
        *,
        row_number() over (partition by relationship order by cohort_month) as cohort_number
    from cohort_sizes
),

-- months without a new customer have no cohort and do not count: a list of the customers of one
-- season is no sign of earlier ones
first_cohorts as (
    select
        relationship,
        min(cohort_month) as cohort_month,
        max(case when cohort_number = 1 then cohort_customers end)
        > {{ var('first_cohort_max_multiple') }}
        * median(case when cohort_number > 1 then cohort_customers end)
        and count(*) > {{ var('first_cohort_min_cohorts') }} as is_oversized
    from cohorts_numbered
    where cohort_number <= 1 + {{ var('first_cohort_compared_cohorts') }}
    group by relationship
)

select
    -- keys
    cohorts.relationship,
    cohorts.cohort_month,
    cohorts.months_since,
    {{ segment_columns('cohorts') }},

    -- counts
    cohorts.cohort_customers,
    cohorts.purchasing_customers,
    cohorts.active_customers,

    -- amounts
    cohorts.revenue_amount,
    cohorts.margin_amount,
    cohorts.cumulative_revenue_amount,
    cohorts.cumulative_margin_amount,
    {{ amount_per('cohorts.cumulative_revenue_amount', 'cohorts.cohort_customers') }}
        as cumulative_revenue_per_customer_amount,
    {{ amount_per('cohorts.cumulative_margin_amount', 'cohorts.cohort_customers') }}
        as cumulative_margin_per_customer_amount,

    -- rates
    {{ rate('cohorts.active_customers', 'cohorts.cohort_customers') }} as active_rate,
    {{ rate('cohorts.purchasing_customers', 'cohorts.cohort_customers') }} as purchasing_rate,

    -- flags
    cohorts.is_complete_period,
    coalesce(first_cohorts.is_oversized, false) as is_first_cohort_oversized
from cohorts
left join first_cohorts
    on
        cohorts.relationship = first_cohorts.relationship
        and cohorts.cohort_month = first_cohorts.cohort_month
