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
    {{ return(time if zone == 'UTC' else spark__utc_of_zone(time, sql_text(zone))) }}
{% endmacro %}

{#- Of the hour that a clock shows twice, Spark takes the first one and DuckDB the second. -#}
{% macro spark__utc_of_zone(time, zone) %}
    {% set second = "(to_utc_timestamp(" ~ time ~ " + interval '3' hour, " ~ zone ~ ") - interval '3' hour)" %}
    {{ return('case when from_utc_timestamp(' ~ second ~ ', ' ~ zone ~ ') = ' ~ time ~ ' then ' ~ second
        ~ ' else to_utc_timestamp(' ~ time ~ ', ' ~ zone ~ ') end') }}
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

{#- Spark casts more texts to a time than DuckDB, such as 2024 or 10:00, and not all of DuckDB's. Those that have the
    usual form are cast at once. -#}
{% macro spark__utc_time_of_text(text) %}
    {% set time = "replace(replace(replace(replace(" ~ text
        ~ ", ' UTC', 'Z'), ' Z', 'Z'), ' +', '+'), ' -', '-')" %}
    {% set cast_time = 'try_cast(' ~ time ~ ' as timestamp)' %}
    {% set usual = '^\\d{4}-\\d{2}-\\d{2}[ T](?:[01]\\d|2[0-3]):\\d{2}:\\d{2}(?:[.]\\d{1,6})?' %}
    {% set day, clock, offset = spark__parts_of_time(time) %}
    {% set moment = spark__time_of_parts(day, clock, offset) %}
    {{ return('case when ' ~ matches(time, usual ~ '$') ~ ' then ' ~ utc_time_of_local(cast_time)
        ~ ' when ' ~ matches(time, usual ~ '(?:Z|[+-]\\d{2}:\\d{2})$') ~ ' then ' ~ cast_time
        ~ ' when ' ~ clock ~ " = '' then " ~ utc_time_of_day('try_cast(' ~ day ~ ' as date)')
        ~ ' when ' ~ offset ~ " = '' then " ~ utc_time_of_local(moment) ~ ' else ' ~ moment ~ ' end') }}
{% endmacro %}

{#- The day, the clock and the offset in a text, which may lack the last two. An offset follows seconds. -#}
{% macro spark__parts_of_time(text) %}
    {% set pattern = '^ *(\\d{1,6})([-/ ])(\\d{1,2})\\2(\\d{1,2})(?:(?:T|\\s+)(?:(\\d{1,2}:\\d{1,2})|'
        ~ '(\\d{1,2}:\\d{1,2}:\\d{1,2}(?:[.]\\d*)?)(?:(Z|[+-]\\d{2}(?::?\\d{2}(?::\\d{2})?)?):?)?))? *$' %}
    {% set groups = [] %}
    {% for group in range(8) %}
        {% do groups.append('regexp_extract(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ', ' ~ group ~ ')') %}
    {% endfor %}
    {{ return((
        spark__day_of_parts(groups[1], groups[3], groups[4]), groups[5] ~ ' || ' ~ groups[6], groups[7],
    )) }}
{% endmacro %}

{% macro spark__day_of_parts(year, month, day) %}
    {{ return("case when length(" ~ year ~ ") > 4 then '+' || " ~ year ~ " else lpad(" ~ year ~ ", 4, '0') end || '-' || "
        ~ month ~ " || '-' || " ~ day) }}
{% endmacro %}

{#- The end of a day, 24:00, is the start of the next one. -#}
{% macro spark__time_of_parts(day, clock, offset) %}
    {% set is_end_of_day = matches(clock, '^24:00(:00([.]0*)?)?$') %}
    {{ return('(try_cast(' ~ day ~ " || ' ' || case when " ~ is_end_of_day ~ " then '00:00:00' else " ~ clock ~ ' end || '
        ~ offset ~ ' as timestamp) + case when ' ~ is_end_of_day ~ " then interval '1' day else interval '0' day end)") }}
{% endmacro %}


{#- The time that a clock shows, in whatever zone; an offset does not count. -#}
{% macro local_time(text) %}
    {{ return(adapter.dispatch('local_time', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__local_time(text) %}
    {{ return('try_cast(' ~ text ~ ' as timestamp)') }}
{% endmacro %}

{% macro spark__local_time(text) %}
    {% set day, clock, _ = spark__parts_of_time("replace(" ~ text ~ ", ' UTC', 'Z')") %}
    {{ return(spark__time_of_parts(day, clock, "''")) }}
{% endmacro %}


{#- A quick test that a text is a time. Some that are take a closer look. -#}
{% macro is_time(text) %}
    {{ return(adapter.dispatch('is_time', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__is_time(text) %}
    {{ return(duckdb__local_time(text) ~ ' is not null') }}
{% endmacro %}

{% macro spark__is_time(text) %}
    {{ return(spark__local_time(text) ~ ' is not null') }}
{% endmacro %}


{#- A date at the start of a text, as DuckDB takes it. -#}
{% macro spark__date_of_text(text) %}
    {% set pattern = '^\\s*(\\d{1,6})([-/\\\\ ])(\\d{1,2})\\2(\\d{1,2})(?!\\d)(?!.*BC)' %}
    {% set groups = [] %}
    {% for group in range(5) %}
        {% do groups.append('regexp_extract(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ', ' ~ group ~ ')') %}
    {% endfor %}
    {{ return('case when ' ~ matches(text, '^\\d{4}-\\d{2}-\\d{2}$') ~ ' then try_cast(' ~ text ~ ' as date) when '
        ~ groups[1] ~ " <> '' then try_cast(" ~ spark__day_of_parts(groups[1], groups[3], groups[4]) ~ ' as date) end') }}
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
    {{ return(time if zone == 'UTC' else spark__utc_of_zone(time, sql_text(zone))) }}
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
    {{ return(spark__utc_of_zone(time, zone)) }}
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
