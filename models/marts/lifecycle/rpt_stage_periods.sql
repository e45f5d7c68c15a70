-- Grain: one row per period, stage and combination of segments.
{%- set keys = ['period_grain', 'period_start_date', 'lifecycle_stage'] + segments() %}

with

stays as (
    select
        stays.lifecycle_stage,
        stays.entered_on,
        stays.left_on,
        {{ segment_columns('customers') }}
    from {{ ref('int_lifecycle_stages') }} as stays
    inner join {{ ref('int_customers') }} as customers
        on stays.customer_id = customers.customer_id
),

-- by day first: three grains are then counted from few rows
days as (
    {%- for day, entries, exits in [('entered_on', 1, 0), ('left_on', 0, 1)] %}
    select
        lifecycle_stage,
        {{ segment_columns() }},
        {{ day }} as changed_on,
        count(*) * {{ entries }} as entries,
        count(*) * {{ exits }} as exits
    from stays
    where {{ day }} is not null
    group by lifecycle_stage, {{ segment_columns() }}, {{ day }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

days_by_period as (
    {{ rows_by_period('days', 'changed_on') }}
),

changes as (
    select
        lifecycle_stage,
        {{ segment_columns() }},
        period_grain,
        period_start_date,
        sum(entries) as entries,
        sum(exits) as exits
    from days_by_period
    group by lifecycle_stage, {{ segment_columns() }}, period_grain, period_start_date
),

stage_periods as (
    {{ periods_of_groups('days', ['lifecycle_stage'] + segments(), 'changed_on') }}
),

stage_periods_changed as (
    select
        stage_periods.*,
        coalesce(changes.entries, 0) as entries,
        coalesce(changes.exits, 0) as exits
    from stage_periods
    left join changes
        on {{ same_values('stage_periods', 'changes', keys) }}
),

periods_cumulated as (
    select
        *,
        sum(entries - exits) over (
            partition by lifecycle_stage, {{ segment_columns() }}, period_grain
            order by period_start_date
            rows unbounded preceding
        ) as closing_customers
    from stage_periods_changed
)

select
    -- keys
    period_grain,
    period_start_date,
    lifecycle_stage,
    {{ segment_columns() }},

    -- dates
    closes_on,

    -- counts
    cast(closing_customers - entries + exits as bigint) as opening_customers,
    cast(entries as bigint) as entries,
    cast(exits as bigint) as exits,
    cast(closing_customers as bigint) as closing_customers,

    -- flags
    is_complete_period
from periods_cumulated
