-- Grain: one row per mart, measure and complete period of the last published build.
{{ config(materialized='table') }}

with

-- empty if nothing is published yet, or nothing with this measure
published_periods as (
    select
        cast(null as string) as mart,
        cast(null as string) as measure,
        cast(null as string) as period_grain,
        cast(null as date) as period_start_date,
        cast(null as double) as measure_value
    where false
    {%- for mart, measure, condition in period_measures() %}
    {%- set published = published_relation(mart) %}
    {%- if published and measure in published.types %}
    union all
    {{ measured_periods(published.relation, mart, measure, condition) | indent(4) }}
    {%- endif %}
    {%- endfor %}
)

select
    mart,
    measure,
    period_grain,
    period_start_date,
    measure_value
from published_periods
