-- Grain: one row per mart, measure and closed period that differs from the last published build.

with

periods as (
    select * from {{ ref('int_periods') }}
),

published_periods as (
    select * from {{ ref('int_periods_published') }}
),

-- tells dbt which marts the measures depend on:
-- {{ ref('rpt_revenue_mix') }}, {{ ref('rpt_retention_periods') }}, {{ ref('rpt_mrr_periods') }}
current_periods as (
    {%- for mart, measure, condition in period_measures() %}
    {{ measured_periods(ref(mart), mart, measure, condition) | indent(4) }}
    {{- '    union all' if not loop.last }}
    {%- endfor %}
),

last_closed_periods as (
    select
        period_grain,
        max(period_start_date) as period_start_date
    from periods
    where is_complete_period
    group by period_grain
),

-- as-of may have been set back since: a period that was closed then and is open now is not compared
compared_ranges as (
    select
        published_periods.mart,
        published_periods.measure,
        published_periods.period_grain,
        least(
            max(published_periods.period_start_date), max(last_closed_periods.period_start_date)
        ) as last_start_date
    from published_periods
    inner join last_closed_periods
        on published_periods.period_grain = last_closed_periods.period_grain
    group by
        published_periods.mart, published_periods.measure, published_periods.period_grain
),

-- a period without a row counts as zero
both_builds as (
    select
        mart,
        measure,
        period_grain,
        period_start_date,
        measure_value as published_value,
        cast(0 as double) as current_value
    from published_periods

    union all

    select
        mart,
        measure,
        period_grain,
        period_start_date,
        cast(0 as double) as published_value,
        measure_value as current_value
    from current_periods
),

compared_periods as (
    select
        mart,
        measure,
        period_grain,
        period_start_date,
        sum(published_value) as published_value,
        sum(current_value) as current_value
    from both_builds
    group by mart, measure, period_grain, period_start_date
)

select
    -- keys
    compared_periods.mart,
    compared_periods.measure,
    compared_periods.period_grain,
    compared_periods.period_start_date,

    -- values
    compared_periods.published_value,
    compared_periods.current_value,
    compared_periods.current_value - compared_periods.published_value as value_change
from compared_periods
inner join compared_ranges
    on
        compared_periods.mart = compared_ranges.mart
        and compared_periods.measure = compared_ranges.measure
        and compared_periods.period_grain = compared_ranges.period_grain
        and compared_periods.period_start_date <= compared_ranges.last_start_date
where compared_periods.current_value <> compared_periods.published_value
