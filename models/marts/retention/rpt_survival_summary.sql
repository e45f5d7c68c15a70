-- Grain: one row per relationship and slice.

with

survival as (
    select * from {{ ref('rpt_survival') }}
),

steps as (
    select
        *,
        lead(days_since) over (
            partition by relationship, segment_name, segment_value
            order by days_since
        ) as next_days_since
    from survival
),

-- the curve keeps its value until the next observed day, the last value up to the horizon
steps_within_horizon as (
    select
        *,
        {{ var('survival_horizon_days') }} as horizon_days,
        greatest(
            least(
                coalesce(next_days_since, {{ var('survival_horizon_days') }}),
                {{ var('survival_horizon_days') }}
            ) - days_since,
            0
        ) as days_held
    from steps
)

select
    -- keys
    relationship,
    segment_name,
    segment_value,

    -- counts
    max(risk_set_customers) as customers,
    cast(sum(churned_customers) as bigint) as churned_customers,
    cast(sum(censored_customers) as bigint) as censored_customers,

    -- lengths
    -- exactly one half may be slightly above it in floating point
    min(case when survival_rate <= 0.5 + 1e-9 then days_since end) as median_days,
    sum(survival_rate * days_held) as restricted_mean_days,
    max(horizon_days) as horizon_days,
    max(days_since) as longest_observed_days
from steps_within_horizon
group by relationship, segment_name, segment_value
