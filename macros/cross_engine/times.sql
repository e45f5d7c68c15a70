{% macro reporting_day(timestamp) %}
    {{ return(adapter.dispatch('reporting_day', 'customer_lifecycle_warehouse')(timestamp)) }}
{% endmacro %}

{% macro duckdb__reporting_day(timestamp) %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {% if zone == 'UTC' %}
        {{ return('cast(' ~ timestamp ~ ' as date)') }}
    {% endif %}
    {{ return("cast(timezone(" ~ sql_text(zone) ~ ", timezone('UTC', " ~ timestamp ~ ")) as date)") }}
{% endmacro %}

{#- The TimeZone of the profile is UTC, so that a timestamp of Spark shows the time of UTC. -#}
{% macro spark__reporting_day(timestamp) %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {{ return('cast(' ~ (timestamp if zone == 'UTC' else 'from_utc_timestamp(' ~ timestamp ~ ', ' ~ sql_text(zone) ~ ')')
        ~ ' as date)') }}
{% endmacro %}


{% macro days_between(earlier, later) %}
    {{ return(adapter.dispatch('days_between', 'customer_lifecycle_warehouse')(earlier, later)) }}
{% endmacro %}

{% macro duckdb__days_between(earlier, later) %}
    {{ return('date_diff(\'day\', ' ~ earlier ~ ', ' ~ later ~ ')') }}
{% endmacro %}

{% macro spark__days_between(earlier, later) %}
    {{ return('datediff(' ~ later ~ ', ' ~ earlier ~ ')') }}
{% endmacro %}


{% macro days_after(date, days) %}
    {{ return(adapter.dispatch('days_after', 'customer_lifecycle_warehouse')(date, days)) }}
{% endmacro %}

{% macro duckdb__days_after(date, days) %}
    {{ return('(' ~ date ~ ' + cast(' ~ days ~ ' as integer))') }}
{% endmacro %}

{% macro spark__days_after(date, days) %}
    {{ return('date_add(' ~ date ~ ', cast(' ~ days ~ ' as integer))') }}
{% endmacro %}


{% macro months_after(date, months) %}
    {{ return(adapter.dispatch('months_after', 'customer_lifecycle_warehouse')(date, months)) }}
{% endmacro %}

{% macro duckdb__months_after(date, months) %}
    {{ return('cast(' ~ date ~ ' + to_months(cast(' ~ months ~ ' as integer)) as date)') }}
{% endmacro %}

{% macro spark__months_after(date, months) %}
    {{ return('add_months(' ~ date ~ ', cast(' ~ months ~ ' as integer))') }}
{% endmacro %}


{% macro dates_from_to(first_date, last_date, relation) %}
    {{ return(adapter.dispatch('dates_from_to', 'customer_lifecycle_warehouse')(first_date, last_date, relation)) }}
{% endmacro %}

{% macro duckdb__dates_from_to(first_date, last_date, relation) %}
    select cast(unnest(generate_series(
        {{ first_date }}, {{ last_date }}, interval 1 day
    )) as date) as date_day
    from {{ relation }}
{% endmacro %}

{% macro spark__dates_from_to(first_date, last_date, relation) %}
    select explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) as date_day
    from {{ relation }}
{% endmacro %}


{% macro utc_time_of_day(day) %}
    {{ return(adapter.dispatch('utc_time_of_day', 'customer_lifecycle_warehouse')(day)) }}
{% endmacro %}

{% macro duckdb__utc_time_of_day(day) %}
    {% set time = 'cast(' ~ day ~ ' as timestamp)' %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {{ return(time if zone == 'UTC'
        else "timezone('UTC', timezone(" ~ sql_text(zone) ~ ", " ~ time ~ "))") }}
{% endmacro %}

{% macro spark__utc_time_of_day(day) %}
    {% set time = 'cast(' ~ day ~ ' as timestamp)' %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {{ return(time if zone == 'UTC' else 'to_utc_timestamp(' ~ time ~ ', ' ~ sql_text(zone) ~ ')') }}
{% endmacro %}


{% macro utc_time_of_text(text) %}
    {{ return(adapter.dispatch('utc_time_of_text', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__utc_time_of_text(text) %}
    {#- A plain cast drops the offset, and no cast takes an offset after a blank. This one relies on the
        TimeZone of the profile, UTC. The name of a zone would also move the rows that follow it, so a
        text with letters other than T and Z is no time. -#}
    {% set time = "replace(replace(replace(replace(" ~ text
        ~ ", ' UTC', 'Z'), ' Z', 'Z'), ' +', '+'), ' -', '-')" %}
    {% set without_letters = "translate(" ~ time ~ ", 'TZtz', '')" %}
    {% set zone = setting('raw_timezone', 'UTC') %}
    {% set date_only = '' if zone == 'UTC' and setting('reporting_timezone', 'UTC') == 'UTC' else
        'when length(' ~ text ~ ') <= 10 then ' ~ utc_time_of_day('try_cast(' ~ text ~ ' as date)') %}
    {% set local = '' if zone == 'UTC' else
        "when not regexp_matches(" ~ time ~ ", ':.*[Zz+-]') then " ~ utc_time_of_local('try_cast(' ~ time ~ ' as timestamp)') %}
    {#- most times are written to the second without an offset: they need none of what follows -#}
    {% set plain = 'when length(' ~ text ~ ') = 19 and substr(' ~ text ~ ", 17, 1) = ':' then "
        ~ utc_time_of_local('try_cast(' ~ text ~ ' as timestamp)') %}
    {{ return('case ' ~ plain ~ ' ' ~ date_only ~ ' ' ~ local ~ ' when lower(' ~ without_letters ~ ') = upper('
        ~ without_letters ~ ') then cast(try_cast(' ~ time ~ ' as timestamptz) as timestamp) end') }}
{% endmacro %}

{#- A cast of Spark takes an offset after the time, with or without minutes, and the name of a zone as well, which is
    no time here. -#}
{% macro spark__utc_time_of_text(text) %}
    {% set time = "replace(replace(replace(replace(" ~ text
        ~ ", ' UTC', 'Z'), ' Z', 'Z'), ' +', '+'), ' -', '-')" %}
    {% set without_letters = "translate(" ~ time ~ ", 'TZtz', '')" %}
    {% set parsed = 'try_cast(' ~ time ~ ' as timestamp)' %}
    {{ return("case when lower(" ~ without_letters ~ ') <> upper(' ~ without_letters ~ ') then null'
        ~ ' when length(' ~ text ~ ') <= 10 then ' ~ utc_time_of_day('try_cast(' ~ text ~ ' as date)')
        ~ ' when ' ~ matches(time, ':.*[Zz+-]') ~ ' then ' ~ parsed
        ~ ' else ' ~ utc_time_of_local(parsed) ~ ' end') }}
{% endmacro %}


{#- A time without an offset, which raw_timezone says the zone of. -#}
{% macro utc_time_of_local(time) %}
    {{ return(adapter.dispatch('utc_time_of_local', 'customer_lifecycle_warehouse')(time)) }}
{% endmacro %}

{% macro duckdb__utc_time_of_local(time) %}
    {% set zone = setting('raw_timezone', 'UTC') %}
    {{ return(time if zone == 'UTC'
        else "timezone('UTC', timezone(" ~ sql_text(zone) ~ ", " ~ time ~ "))") }}
{% endmacro %}

{% macro spark__utc_time_of_local(time) %}
    {% set zone = setting('raw_timezone', 'UTC') %}
    {{ return(time if zone == 'UTC' else 'to_utc_timestamp(' ~ time ~ ', ' ~ sql_text(zone) ~ ')') }}
{% endmacro %}


{% macro utc_time(moment) %}
    {{ return("cast('" ~ moment.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)") }}
{% endmacro %}


{#- A time of UTC, with its offset: no setting moves it again. -#}
{% macro moment_of_utc(time) %}
    {{ return(adapter.dispatch('moment_of_utc', 'customer_lifecycle_warehouse')(time)) }}
{% endmacro %}

{% macro duckdb__moment_of_utc(time) %}
    {{ return("timezone('UTC', " ~ time ~ ")") }}
{% endmacro %}

{% macro spark__moment_of_utc(time) %}
    {{ return(time) }}
{% endmacro %}


{#- The moment of a local time in a zone that is named in the row. -#}
{% macro moment_of_local(time, zone) %}
    {{ return(adapter.dispatch('moment_of_local', 'customer_lifecycle_warehouse')(time, zone)) }}
{% endmacro %}

{% macro duckdb__moment_of_local(time, zone) %}
    {{ return('timezone(' ~ zone ~ ', ' ~ time ~ ')') }}
{% endmacro %}

{% macro spark__moment_of_local(time, zone) %}
    {{ return('to_utc_timestamp(' ~ time ~ ', ' ~ zone ~ ')') }}
{% endmacro %}


{#- The day in the name of a file; the last one, where the name has several. -#}
{% macro day_in_path(path) %}
    {{ return(adapter.dispatch('day_in_path', 'customer_lifecycle_warehouse')(path)) }}
{% endmacro %}

{% macro duckdb__day_in_path(path) %}
    {{ return("try_cast(nullif(regexp_extract(" ~ path ~ ", '^.*(\\d{4}-\\d{2}-\\d{2})[^/]*$', 1), '') as date)") }}
{% endmacro %}

{% macro spark__day_in_path(path) %}
    {{ return('try_cast(' ~ text_in(path, '^.*(\\d{4}-\\d{2}-\\d{2})[^/]*$', 1) ~ ' as date)') }}
{% endmacro %}
