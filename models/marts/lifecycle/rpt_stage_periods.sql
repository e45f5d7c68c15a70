-- Grain: one row per period, stage and combination of segments.

with

periods as (
    select * from {{ ref('int_periods') }}
),

grains as (
    select distinct period_grain from periods
),

stays as (
    select
        stays.lifecycle_stage,
        stays.entered_on,
        stays.left_on,
        {{ segment_columns('customers') }}
    from {{ ref('fct_lifecycle_stages') }} as stays
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

-- every period from the first entry on, also those in which nobody moved
happenings as (
    select
        first_days.lifecycle_stage,
        {{ segment_columns('first_days') }},
        periods.period_grain,
        periods.period_start_date,
        0 as entries,
        0 as exits
    from (
        select
            lifecycle_stage,
            {{ segment_columns() }},
            min(changed_on) as first_entered_on
        from days
        group by lifecycle_stage, {{ segment_columns() }}
    ) as first_days
    inner join periods
        on first_days.first_entered_on < periods.next_period_start_date

    union all

    select
        days.lifecycle_stage,
        {{ segment_columns('days') }},
        grains.period_grain,
        {{ period_start('grains.period_grain', 'days.changed_on') }} as period_start_date,
        days.entries,
        days.exits
    from days
    cross join grains
),

periods_summed as (
    select
        lifecycle_stage,
        {{ segment_columns() }},
        period_grain,
        period_start_date,
        sum(entries) as entries,
        sum(exits) as exits
    from happenings
    group by lifecycle_stage, {{ segment_columns() }}, period_grain, period_start_date
),

periods_cumulated as (
    select
        *,
        sum(entries - exits) over (
            partition by lifecycle_stage, {{ segment_columns() }}, period_grain
            order by period_start_date
            rows unbounded preceding
        ) as closing_customers
    from periods_summed
)

select
    -- keys
    stages.period_grain,
    stages.period_start_date,
    stages.lifecycle_stage,
    {{ segment_columns('stages') }},

    -- counts
    cast(stages.closing_customers - stages.entries + stages.exits as bigint) as opening_customers,
    cast(stages.entries as bigint) as entries,
    cast(stages.exits as bigint) as exits,
    cast(stages.closing_customers as bigint) as closing_customers,

    -- flags
    periods.is_complete_period
from periods_cumulated as stages
inner join periods
    on
        stages.period_grain = periods.period_grain
        and stages.period_start_date = periods.period_start_date
