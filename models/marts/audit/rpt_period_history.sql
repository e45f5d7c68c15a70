-- Grain: one row per day of a build, mart, measure and closed month.
{%- set published = published_relation('rpt_period_history') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

raw_days as (
    select * from {{ ref('rpt_raw_days') }}
),

months as (
    select period_start_date
    from {{ ref('int_periods') }}
    where period_grain = 'month' and is_complete_period
),

-- tells dbt which marts the measures depend on:
-- {{ ref('rpt_revenue_mix') }}, {{ ref('rpt_retention_periods') }}, {{ ref('rpt_mrr_periods') }}
measured as (
    {%- for mart, measure, condition in period_measures() %}
    {{ measured_periods(ref(mart), mart, measure, condition) | indent(4) }}
    union all
    {%- endfor %}

    -- an invitation that is answered moves to the day of its answer, in an honest table as well
    select
        'rpt_raw_days' as mart,
        raw_days.table_name || '_rows' as measure,
        'month' as period_grain,
        months.period_start_date,
        cast(sum(raw_days.accepted_rows) as double) as measure_value
    from raw_days
    inner join months
        on {{ month_start('raw_days.event_date') }} = months.period_start_date
    where raw_days.table_name <> 'survey_responses'
    group by raw_days.table_name, months.period_start_date
),

-- what the builds before said of themselves; a later build of the same day replaces it
history as (
    {%- if published %}
    select
        published_history.recorded_on,
        published_history.mart,
        published_history.measure,
        published_history.period_start_date,
        published_history.reporting_currency,
        published_history.is_sample,
        published_history.measure_value
    from {{ published.relation }} as published_history
    cross join settings
    where
        published_history.recorded_on < settings.today
        and published_history.recorded_on >= {{ days_after('settings.today', -var('remembered_build_days')) }}

    union all

    {%- endif %}
    select
        settings.today as recorded_on,
        measured.mart,
        measured.measure,
        measured.period_start_date,
        settings.reporting_currency,
        settings.is_sample,
        measured.measure_value
    from measured
    cross join settings
    where measured.period_grain = 'month'
)

select
    -- keys
    recorded_on,
    mart,
    measure,
    period_start_date,

    -- words
    reporting_currency,

    -- flags
    is_sample,

    -- values
    measure_value
from history
