-- Grain: one row per build: what its marts were made from, and with what settings.
{#- read when the model runs: dbt parses nothing again for a new id -#}
{%- set build_id = env_var('BUILD_ID', 'unpublished') if execute else 'unpublished' %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- one answer for the vertical of customers without one
window_suggestions as (
    select max(suggested_window_days) as suggested_window_days
    from {{ ref('rpt_activity_window_fit') }}
    where vertical = 'unknown'
)

select
    -- keys
    {{ sql_text(build_id) }} as build_id,

    -- dates
    {{ utc_time(run_started_at) }} as built_at,
    settings.as_of_date,

    -- settings
    settings.reporting_currency,
    {{ sql_text(setting('reporting_timezone', 'UTC')) }} as reporting_timezone,
    settings.activity_window_days,
    window_suggestions.suggested_window_days as suggested_activity_window_days,
    {{ sql_text(raw_inputs() | join(',')) }} as raw_input,

    -- code
    {{ sql_text(config.get('meta')['project_version']) }} as project_version
from settings
cross join window_suggestions
