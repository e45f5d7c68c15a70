-- Grain: one row per period, pair of stages and combination of segments with a transition.

with

-- by day first: three grains are then counted from few rows
days as (
    select
        stays.entered_on,
        coalesce(stays.previous_stage, 'none') as from_stage,
        stays.lifecycle_stage as to_stage,
        {{ segment_columns('customers') }},
        count(*) as transitions
    from {{ ref('int_lifecycle_stages') }} as stays
    inner join {{ ref('int_customers') }} as customers
        on stays.customer_id = customers.customer_id
    group by
        stays.entered_on,
        coalesce(stays.previous_stage, 'none'),
        stays.lifecycle_stage,
        {{ segment_columns('customers') }}
),

days_by_period as (
    {{ rows_by_period('days', 'entered_on') }}
),

transitions as (
    select
        period_grain,
        period_start_date,
        from_stage,
        to_stage,
        {{ segment_columns() }},
        sum(transitions) as transitions
    from days_by_period
    group by period_grain, period_start_date, from_stage, to_stage, {{ segment_columns() }}
)

select
    -- keys
    transitions.period_grain,
    transitions.period_start_date,
    transitions.from_stage,
    transitions.to_stage,
    {{ segment_columns('transitions') }},

    -- dates
    periods.closes_on,

    -- counts
    cast(transitions.transitions as bigint) as transitions,

    -- flags
    periods.is_complete_period
from transitions
inner join {{ ref('int_periods') }} as periods
    on
        transitions.period_grain = periods.period_grain
        and transitions.period_start_date = periods.period_start_date
