-- Grain: one row per run: its settings.
{%- set as_of_date = setting('as_of_date') %}
{%- set is_sample = 'sample' in raw_inputs() %}
{%- set reporting_currency = setting(
    'reporting_currency', 'EUR' if is_sample else none
) %}
{%- set history_starts_on = history_starts_on() %}
{%- do stop_at_questions() %}
{%- do require_main_input() %}
{%- do warn_of_local_times() %}
{%- if execute %}{% do has_erasures() %}{% endif %}

with

-- one clock for the whole run
clock as (
    select
        {{ reporting_day(utc_time(run_started_at)) }} as today,
        cast('{{ var("earliest_plausible_date") }}' as date) as first_plausible_date
),

-- read from the raw data, because staging itself needs the answer
event_days as (
    {{ raw_values(main_event_times().items(), 'date') }}
),

latest_event as (
    select max(event_days.raw_value) as latest_event_date
    from event_days
    cross join clock
    where
        event_days.raw_value between
        clock.first_plausible_date and {{ days_after('clock.today', 1) }}
),

currencies as (
    {{ raw_values(
        [
            ('orders', 'currency'),
            ('subscriptions', 'currency'),
            ('survey_responses', 'currency'),
            ('marketing_spend', 'currency'),
        ],
        'string',
    ) }}
),

-- the first and the last by name: if they differ, the data has several currencies
currency_range as (
    select
        min(upper(raw_value)) as first_currency,
        max(upper(raw_value)) as last_currency,
        -- a message has no other text: it may say who somebody is
        {{ shown_currency('min(upper(raw_value))') }} as first_shown,
        {{ shown_currency('max(upper(raw_value))') }} as last_shown
    from currencies
),

settings as (
    select
        {% if as_of_date -%}
        cast('{{ as_of_date }}' as date) as as_of_date,
        {%- else -%}
        least(
            {{ days_after('clock.today', -1) }},
            coalesce(latest_event.latest_event_date, {{ days_after('clock.today', -1) }})
        ) as as_of_date,
        {%- endif %}
        clock.first_plausible_date,
        {{ days_after('clock.today', 1) }} as last_plausible_date,
        {% if reporting_currency -%}
        '{{ reporting_currency | upper }}' as reporting_currency,
        {%- else -%}
        case
            when currency_range.first_currency <> currency_range.last_currency
                then {{ stop_build(
                    "'The data has several currencies, ' || currency_range.first_shown || ' and '"
                    ~ " || currency_range.last_shown || ' among them: set REPORTING_CURRENCY"
                    ~ " (or the var reporting_currency) to the one to convert to.'"
                ) }}
            else coalesce(currency_range.first_currency, 'XXX')
        end as reporting_currency,
        {%- endif %}
        cast({{ sql_text(history_starts_on) if history_starts_on else 'null' }} as date)
            as history_starts_on,
        cast({{ activity_window() or 'null' }} as integer) as activity_window_days,
        clock.today,
        {{ 'true' if as_of_date else 'false' }} as is_as_of_date_set,
        {{ 'true' if setting('reporting_currency') else 'false' }} as is_reporting_currency_set,
        {{ 'true' if is_sample else 'false' }} as is_sample
    from clock
    cross join latest_event
    cross join currency_range
)

select
    as_of_date,
    first_plausible_date,
    last_plausible_date,
    reporting_currency,
    -- a day typed wrong would take the rates from every report
    case
        when history_starts_on > as_of_date
            then {{ stop_build(
                "'The var history_starts_on, ' || cast(history_starts_on as string)"
                ~ " || ', is after the as-of date, ' || cast(as_of_date as string)"
                ~ " || '. Set it to the first day of the data.'"
            ) }}
        else history_starts_on
    end as history_starts_on,
    activity_window_days,
    today,
    is_as_of_date_set,
    is_reporting_currency_set,
    is_sample
from settings
