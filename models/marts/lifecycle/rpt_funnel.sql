-- Grain: one row per cohort month, step of the funnel and slice.

with

-- a step is named after its first stage
steps as (
    select
        funnel_step,
        lifecycle_stage
    from (
        select distinct
            funnel_step,
            lifecycle_stage,
            row_number() over (
                partition by funnel_step
                order by bank_zone, lifecycle_stage
            ) as stage_rank
        from {{ ref('lifecycle_stages') }}
    ) as stages_ranked
    where stage_rank = 1
),

steps_of_stages as (
    select
        lifecycle_stage,
        max(funnel_step) as funnel_step
    from {{ ref('lifecycle_stages') }}
    group by lifecycle_stage
),

-- customers who have reached a step have passed all the steps before it
customers_at_steps as (
    select
        stays.customer_id,
        steps.funnel_step,
        min(stays.entered_on) as reached_on
    from {{ ref('int_lifecycle_stages') }} as stays
    inner join steps_of_stages
        on stays.lifecycle_stage = steps_of_stages.lifecycle_stage
    inner join steps
        on steps_of_stages.funnel_step >= steps.funnel_step
    group by stays.customer_id, steps.funnel_step
),

customers_with_segments as (
    select
        {{ month_start('customers.known_since') }} as cohort_month,
        {{ segment_columns('customers') }},
        customers_at_steps.funnel_step,
        {{ days_between('customers.known_since', 'customers_at_steps.reached_on') }}
            as days_to_reach
    from customers_at_steps
    inner join {{ ref('int_customers') }} as customers
        on customers_at_steps.customer_id = customers.customer_id
),

customers_by_slice as (
    {{ rows_by_slice('customers_with_segments') }}
),

steps_reached as (
    select
        cohort_month,
        segment_name,
        segment_value,
        funnel_step,
        count(*) as reached_customers,
        median(days_to_reach) as median_days_to_reach
    from customers_by_slice
    group by cohort_month, segment_name, segment_value, funnel_step
),

cohorts as (
    select * from steps_reached
    where funnel_step = 1
),

-- a step that nobody has reached gets a row too
cohorts_and_steps as (
    select
        cohorts.cohort_month,
        cohorts.segment_name,
        cohorts.segment_value,
        steps.funnel_step,
        steps.lifecycle_stage,
        coalesce(steps_reached.reached_customers, 0) as reached_customers,
        steps_reached.median_days_to_reach
    from cohorts
    cross join steps
    left join steps_reached
        on
            cohorts.cohort_month = steps_reached.cohort_month
            and cohorts.segment_name = steps_reached.segment_name
            and cohorts.segment_value = steps_reached.segment_value
            and steps.funnel_step = steps_reached.funnel_step
),

funnel as (
    select
        *,
        lag(reached_customers) over (
            partition by cohort_month, segment_name, segment_value
            order by funnel_step
        ) as previous_customers
    from cohorts_and_steps
)

select
    -- keys
    cohort_month,
    lifecycle_stage,
    segment_name,
    segment_value,

    -- counts
    funnel_step,
    reached_customers,
    coalesce(previous_customers, reached_customers) as previous_step_customers,

    -- averages
    median_days_to_reach,

    -- rates
    {{ rate('reached_customers', 'coalesce(previous_customers, reached_customers)') }}
        as step_rate
from funnel
