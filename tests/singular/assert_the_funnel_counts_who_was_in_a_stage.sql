-- A step of the funnel holds the customers whose stays in its stage are known, apart from inherited
-- ones, and no more customers come as far as a step than as far as the one before.
with

stays as (
    select
        stays.lifecycle_stage,
        count(distinct stays.customer_id) as customers
    from {{ ref('fct_lifecycle_stages') }} as stays
    inner join {{ ref('dim_customers') }} as customers
        on stays.customer_id = customers.customer_id
    where not customers.is_inherited
    group by stays.lifecycle_stage
),

steps as (
    select
        segment_name,
        funnel_step,
        lifecycle_stage,
        sum(reached_customers) as reached_customers,
        sum(reached_or_passed_customers) as reached_or_passed_customers
    from {{ ref('rpt_funnel') }}
    group by segment_name, funnel_step, lifecycle_stage
),

steps_in_order as (
    select
        *,
        lag(reached_or_passed_customers) over (
            partition by segment_name
            order by funnel_step
        ) as previous_reached_or_passed_customers
    from steps
)

select
    steps_in_order.*,
    stays.customers
from steps_in_order
left join stays
    on steps_in_order.lifecycle_stage = stays.lifecycle_stage
where
    steps_in_order.reached_customers <> coalesce(stays.customers, 0)
    or steps_in_order.reached_or_passed_customers
    > steps_in_order.previous_reached_or_passed_customers
