-- Grain: one row per cohort month, step of the funnel and slice.
{#- A step is the stage it is named after. The other stages, such as `growing` and `at_risk`, say
    only how far their customers have come. -#}
{%- set stages_of_steps = ['aware', 'captured', 'nurtured', 'new', 'established', 'advocate'] %}

with

steps_of_stages as (
    select
        lifecycle_stage,
        max(funnel_step) as funnel_step
    from {{ ref('lifecycle_stages') }}
    group by lifecycle_stage
),

steps as (
    select
        lifecycle_stage,
        funnel_step,
        lag(lifecycle_stage) over (order by funnel_step) as previous_stage
    from steps_of_stages
    where lifecycle_stage in (
        {%- for stage in stages_of_steps %}
        '{{ stage }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
),

-- customers who may have begun before the data are left out: nobody knows what they had passed
customers as (
    select
        customers.customer_id,
        customers.known_since,
        {{ month_start('customers.known_since') }} as cohort_month,
        {{ slice_columns('customers') }}
    from {{ ref('int_customers') }} as customers
    left join {{ ref('int_customers_inherited') }} as inherited
        on customers.customer_id = inherited.customer_id
    where inherited.customer_id is null
),

stages_of_customers as (
    select
        stays.customer_id,
        stays.lifecycle_stage,
        steps_of_stages.funnel_step,
        min(stays.entered_on) as reached_on,
        -- of the stages of the furthest step, one
        row_number() over (
            partition by stays.customer_id
            order by steps_of_stages.funnel_step desc, stays.lifecycle_stage asc
        ) = 1 as is_furthest
    from {{ ref('int_lifecycle_stages') }} as stays
    inner join steps_of_stages
        on stays.lifecycle_stage = steps_of_stages.lifecycle_stage
    group by stays.customer_id, stays.lifecycle_stage, steps_of_stages.funnel_step
),

customers_in_stages as (
    select
        customers.cohort_month,
        {{ slice_columns('customers') }},
        stages.lifecycle_stage,
        stages.funnel_step,
        stages.is_furthest,
        {{ days_between('customers.known_since', 'stages.reached_on') }} as days_to_reach,
        previous_stages.customer_id is not null as was_in_previous
    from stages_of_customers as stages
    inner join customers
        on stages.customer_id = customers.customer_id
    left join steps
        on stages.lifecycle_stage = steps.lifecycle_stage
    left join stages_of_customers as previous_stages
        on
            stages.customer_id = previous_stages.customer_id
            and steps.previous_stage = previous_stages.lifecycle_stage
    where steps.lifecycle_stage is not null or stages.is_furthest
),

customers_by_slice as (
    {{ rows_by_slice('customers_in_stages') }}
),

stages_reached as (
    select
        cohort_month,
        segment_name,
        segment_value,
        lifecycle_stage,
        funnel_step,
        count(*) as reached_customers,
        count(case when was_in_previous then 1 end) as advanced_customers,
        count(case when is_furthest then 1 end) as furthest_customers,
        median(days_to_reach) as median_days_to_reach
    from customers_by_slice
    group by cohort_month, segment_name, segment_value, lifecycle_stage, funnel_step
),

-- a step that nobody has reached gets a row too
cohorts_and_steps as (
    select
        stages_reached.cohort_month,
        stages_reached.segment_name,
        stages_reached.segment_value,
        steps.funnel_step,
        steps.lifecycle_stage,
        steps.previous_stage,
        sum(stages_reached.furthest_customers) as cohort_customers,
        sum(
            case
                when stages_reached.funnel_step >= steps.funnel_step
                    then stages_reached.furthest_customers
                else 0
            end
        ) as reached_or_passed_customers
    from stages_reached
    cross join steps
    group by
        stages_reached.cohort_month,
        stages_reached.segment_name,
        stages_reached.segment_value,
        steps.funnel_step,
        steps.lifecycle_stage,
        steps.previous_stage
),

steps_with_customers as (
    select
        cohorts_and_steps.*,
        coalesce(stages_reached.reached_customers, 0) as reached_customers,
        coalesce(stages_reached.advanced_customers, 0) as advanced_customers,
        stages_reached.median_days_to_reach
    from cohorts_and_steps
    left join stages_reached
        on
            cohorts_and_steps.cohort_month = stages_reached.cohort_month
            and cohorts_and_steps.segment_name = stages_reached.segment_name
            and cohorts_and_steps.segment_value = stages_reached.segment_value
            and cohorts_and_steps.lifecycle_stage = stages_reached.lifecycle_stage
),

-- the whole cohort stands before the first step
funnel as (
    select
        cohort_month,
        segment_name,
        segment_value,
        funnel_step,
        lifecycle_stage,
        cohort_customers,
        reached_customers,
        reached_or_passed_customers,
        median_days_to_reach,
        case when previous_stage is null then reached_customers else advanced_customers end
            as advanced_customers,
        coalesce(
            lag(reached_customers) over (
                partition by cohort_month, segment_name, segment_value
                order by funnel_step
            ),
            cohort_customers
        ) as previous_step_customers
    from steps_with_customers
)

select
    -- keys
    cohort_month,
    lifecycle_stage,
    segment_name,
    segment_value,

    -- counts
    funnel_step,
    cast(cohort_customers as bigint) as cohort_customers,
    reached_customers,
    cast(reached_or_passed_customers as bigint) as reached_or_passed_customers,
    cast(previous_step_customers as bigint) as previous_step_customers,
    advanced_customers,

    -- averages
    median_days_to_reach,

    -- rates
    {{ rate('reached_customers', 'cohort_customers') }} as reached_rate,
    {{ rate('advanced_customers', 'previous_step_customers') }} as step_rate
from funnel
