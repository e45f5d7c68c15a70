{#- A text as a SQL literal. -#}
{% macro sql_text(value) %}
    {{ return(adapter.dispatch('sql_text')(value)) }}
{% endmacro %}

{% macro default__sql_text(value) %}
    {{ return("'" ~ value | string | replace("'", "''") ~ "'") }}
{% endmacro %}


{#- Says that a CTE used twice is to be run twice, not kept in memory: cheaper where each use
    reads few columns of many rows. -#}
{% macro not_materialized() %}
    {{ return(adapter.dispatch('not_materialized')()) }}
{% endmacro %}

{% macro default__not_materialized() %}{% endmacro %}

{% macro duckdb__not_materialized() %}
    {{ return('not materialized') }}
{% endmacro %}


{#- Says that a CTE is to be run by itself, and its result kept in memory. -#}
{% macro materialized() %}
    {{ return(adapter.dispatch('materialized')()) }}
{% endmacro %}

{% macro default__materialized() %}{% endmacro %}

{% macro duckdb__materialized() %}
    {{ return('materialized') }}
{% endmacro %}


{#- A text without the blanks around it. -#}
{% macro trimmed(text) %}
    {{ return(adapter.dispatch('trimmed')(text)) }}
{% endmacro %}

{% macro default__trimmed(text) %}
    {{ return('trim(' ~ text ~ ')') }}
{% endmacro %}

{% macro duckdb__trimmed(text) %}
    {#- trim() decodes every character of a text; few texts have anything to trim. It takes off every
        kind of space where it is not told which. -#}
    {{ return("case when starts_with(" ~ text ~ ", ' ') or ends_with(" ~ text ~ ", ' ') then trim("
        ~ text ~ ", ' ') else " ~ text ~ " end") }}
{% endmacro %}


{#- A 64-bit hash of a value: equal values have equal ones. -#}
{% macro hash_number(expression) %}
    {{ return(adapter.dispatch('hash_number')(expression)) }}
{% endmacro %}

{% macro duckdb__hash_number(expression) %}
    {{ return('hash(' ~ expression ~ ')') }}
{% endmacro %}


{#- SHA-256 of a text, in hexadecimal digits. -#}
{% macro sha256_of(text) %}
    {{ return(adapter.dispatch('sha256_of')(text)) }}
{% endmacro %}

{% macro duckdb__sha256_of(text) %}
    {{ return('sha256(' ~ text ~ ')') }}
{% endmacro %}


{#- Named expressions as one JSON text. -#}
{% macro json_text(expressions) %}
    {{ return(adapter.dispatch('json_text')(expressions)) }}
{% endmacro %}

{% macro duckdb__json_text(expressions) %}
    {% set pairs = [] %}
    {% for name, expression in expressions.items() %}
        {% do pairs.append(sql_text(name) ~ ', ' ~ expression) %}
    {% endfor %}
    {{ return('cast(json_object(' ~ pairs | join(', ') ~ ') as string)') }}
{% endmacro %}


{#- Stops the build with a message, from inside a query. -#}
{% macro stop_build(message) %}
    {{ return(adapter.dispatch('stop_build')(message)) }}
{% endmacro %}

{% macro duckdb__stop_build(message) %}
    {{ return('error(' ~ message ~ ')') }}
{% endmacro %}


{#- The day of a UTC time in the reporting time zone. -#}
{% macro reporting_day(timestamp) %}
    {{ return(adapter.dispatch('reporting_day')(timestamp)) }}
{% endmacro %}

{% macro duckdb__reporting_day(timestamp) %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {% if zone == 'UTC' %}
        {{ return('cast(' ~ timestamp ~ ' as date)') }}
    {% endif %}
    {{ return("cast(timezone(" ~ sql_text(zone) ~ ", timezone('UTC', " ~ timestamp ~ ")) as date)") }}
{% endmacro %}


{#- Whole days from one date to a later one. -#}
{% macro days_between(earlier, later) %}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{% endmacro %}

{% macro duckdb__days_between(earlier, later) %}
    {{ return('date_diff(\'day\', ' ~ earlier ~ ', ' ~ later ~ ')') }}
{% endmacro %}


{#- A date so many days later; the days may be an expression. -#}
{% macro days_after(date, days) %}
    {{ return(adapter.dispatch('days_after')(date, days)) }}
{% endmacro %}

{% macro duckdb__days_after(date, days) %}
    {{ return('(' ~ date ~ ' + cast(' ~ days ~ ' as integer))') }}
{% endmacro %}


{#- A date so many calendar months later, cut to the end of a shorter month. -#}
{% macro months_after(date, months) %}
    {{ return(adapter.dispatch('months_after')(date, months)) }}
{% endmacro %}

{% macro duckdb__months_after(date, months) %}
    {{ return('cast(' ~ date ~ ' + to_months(cast(' ~ months ~ ' as integer)) as date)') }}
{% endmacro %}


{#- The median of a value over the rows of a window so far. -#}
{% macro running_median(value, window) %}
    {{ return(adapter.dispatch('running_median')(value, window)) }}
{% endmacro %}

{% macro duckdb__running_median(value, window) %}
    {{ return('median(' ~ value ~ ') over ' ~ window) }}
{% endmacro %}


{#- The last value that is not NULL over the rows of a window so far. -#}
{% macro last_not_null(value, window) %}
    {{ return(adapter.dispatch('last_not_null')(value, window)) }}
{% endmacro %}

{% macro default__last_not_null(value, window) %}
    {{ return('last_value(' ~ value ~ ') ignore nulls over ' ~ window) }}
{% endmacro %}

{% macro duckdb__last_not_null(value, window) %}
    {{ return('last_value(' ~ value ~ ' ignore nulls) over ' ~ window) }}
{% endmacro %}


{#- A table of the dates from one to another, both included; columns: `date_day`. -#}
{% macro dates_from_to(first_date, last_date, relation) %}
    {{ return(adapter.dispatch('dates_from_to')(first_date, last_date, relation)) }}
{% endmacro %}

{% macro duckdb__dates_from_to(first_date, last_date, relation) %}
    select cast(unnest(generate_series(
        {{ first_date }}, {{ last_date }}, interval 1 day
    )) as date) as date_day
    from {{ relation }}
{% endmacro %}


{#- The UTC time at which a day begins in the reporting time zone. -#}
{% macro utc_time_of_day(day) %}
    {{ return(adapter.dispatch('utc_time_of_day')(day)) }}
{% endmacro %}

{% macro duckdb__utc_time_of_day(day) %}
    {% set time = 'cast(' ~ day ~ ' as timestamp)' %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {{ return(time if zone == 'UTC'
        else "timezone('UTC', timezone(" ~ sql_text(zone) ~ ", " ~ time ~ "))") }}
{% endmacro %}


{#- A text as a UTC time: one with an offset is moved, one without is UTC already, and a date is the
    beginning of its day in the reporting time zone. NULL where it is no time. -#}
{% macro utc_time_of_text(text) %}
    {{ return(adapter.dispatch('utc_time_of_text')(text)) }}
{% endmacro %}

{% macro duckdb__utc_time_of_text(text) %}
    {#- A plain cast drops the offset, and no cast takes one after a blank; this one relies on the
        profile's TimeZone being UTC. The name of a zone would move the rows that follow it, too: a
        text with letters other than T and Z is no time. -#}
    {% set time = "replace(replace(replace(replace(" ~ text
        ~ ", ' UTC', 'Z'), ' Z', 'Z'), ' +', '+'), ' -', '-')" %}
    {% set without_letters = "translate(" ~ time ~ ", 'TZtz', '')" %}
    {% set date_only = '' if setting('reporting_timezone', 'UTC') == 'UTC' else
        'when length(' ~ text ~ ') <= 10 then ' ~ utc_time_of_day('try_cast(' ~ text ~ ' as date)') %}
    {{ return('case ' ~ date_only ~ ' when lower(' ~ without_letters ~ ') = upper('
        ~ without_letters ~ ') then cast(try_cast(' ~ time ~ ' as timestamptz) as timestamp) end') }}
{% endmacro %}


{#- A time of the run, in UTC, as a SQL timestamp. -#}
{% macro utc_time(moment) %}
    {{ return("cast('" ~ moment.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)") }}
{% endmacro %}
