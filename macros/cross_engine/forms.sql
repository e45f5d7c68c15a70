{#- Values of other forms than the contract's, as text: how each form is recognised and rewritten. A value that a
    form does not fit stays as it is, and is rejected later with its own words. -#}


{% macro matches(text, pattern) %}
    {{ return(adapter.dispatch('matches', 'customer_lifecycle_warehouse')(text, pattern)) }}
{% endmacro %}

{% macro duckdb__matches(text, pattern) %}
    {{ return('regexp_matches(' ~ text ~ ', ' ~ sql_text(pattern) ~ ')') }}
{% endmacro %}

{% macro spark__matches(text, pattern) %}
    {{ return('regexp_like(' ~ text ~ ', ' ~ sql_text(pattern) ~ ')') }}
{% endmacro %}


{% macro number_in(text, pattern, group) %}
    {{ return(adapter.dispatch('number_in', 'customer_lifecycle_warehouse')(text, pattern, group)) }}
{% endmacro %}

{% macro duckdb__number_in(text, pattern, group) %}
    {{ return('try_cast(regexp_extract(' ~ text ~ ', ' ~ sql_text(pattern) ~ ', ' ~ group ~ ') as integer)') }}
{% endmacro %}

{% macro spark__number_in(text, pattern, group) %}
    {{ return('try_cast(regexp_extract(' ~ text ~ ', ' ~ sql_text(pattern) ~ ', ' ~ group ~ ') as integer)') }}
{% endmacro %}


{#- What a group of a pattern matches in a text; NULL where it matches nothing. -#}
{% macro text_in(text, pattern, group) %}
    {{ return(adapter.dispatch('text_in', 'customer_lifecycle_warehouse')(text, pattern, group)) }}
{% endmacro %}

{% macro duckdb__text_in(text, pattern, group) %}
    {{ return("nullif(regexp_extract(" ~ text ~ ", " ~ sql_text(pattern) ~ ", " ~ group ~ "), '')") }}
{% endmacro %}

{% macro spark__text_in(text, pattern, group) %}
    {{ return("nullif(regexp_extract(" ~ text ~ ", " ~ sql_text(pattern) ~ ", " ~ group ~ "), '')") }}
{% endmacro %}


{% macro canonical_text(text, form) %}
    {{ return(adapter.dispatch('canonical_text', 'customer_lifecycle_warehouse')(text, form)) }}
{% endmacro %}

{% macro duckdb__canonical_text(text, form) %}
    {% set rewritten = {
        'day_first': duckdb__numeric_date(text, '\\3-\\2-\\1'),
        'month_first': duckdb__numeric_date(text, '\\3-\\1-\\2'),
        'words': duckdb__worded_time(text),
        'compact': "regexp_replace(" ~ text ~ ", '^(\\d{4})(\\d{2})(\\d{2})$', '\\1-\\2-\\3')",
        'epoch_seconds': duckdb__time_of_epoch(text, 1000000) ~ " || 'Z'",
        'epoch_milliseconds': duckdb__time_of_epoch(text, 1000) ~ " || 'Z'",
        'serial': "case when contains(" ~ text ~ ", '.') then "
            ~ duckdb__time_of_epoch('round((try_cast(' ~ text ~ ' as double) - 25569) * 86400)', 1000000)
            ~ " else cast(date '1899-12-30' + try_cast(" ~ text ~ " as integer) as varchar) end",
        'decimal_point': duckdb__plain_number(text, ',', '.'),
        'decimal_comma': duckdb__plain_number(text, '.', ','),
        'whole_number': "regexp_replace(" ~ text ~ ", '^(\\d+)[.]0+$', '\\1')",
    } %}
    {{ return('coalesce(' ~ rewritten[form] ~ ', ' ~ text ~ ')') }}
{% endmacro %}


{#- 31/12/2025, 1.2.25 or 12-31-2025, with or without a time, as a date of ISO with that time. -#}
{% macro duckdb__numeric_date(text, order) %}
    {% set pattern = "'^(\\d{1,2})[/.-](\\d{1,2})[/.-](\\d{4}|\\d{2})($|\\D.*)'" %}
    {% set date = "regexp_replace(" ~ text ~ ", " ~ pattern ~ ", '" ~ order ~ "')" %}
    {% set time = "ltrim(regexp_replace(" ~ text ~ ", " ~ pattern ~ ", '\\4'), ', T')" %}
    {% set half_day = "strftime(try_strptime(regexp_replace(" ~ time ~ ", '(?i) ?([ap])[.]?m[.]?$', ' \\1m'), "
        ~ duckdb__text_list(['%I:%M:%S %p', '%I:%M %p', '%I %p']) ~ "), '%H:%M:%S')" %}
    {#- two digits of a year are of this century up to 69 -#}
    {% set century = "case when substr(" ~ date ~ ", 3, 1) <> '-' then '' when " ~ date
        ~ " >= '70' then '19' else '20' end" %}
    {% set iso = "cast(try_cast(" ~ century ~ " || " ~ date ~ " as date) as varchar)" %}
    {% set rest = "case when " ~ time ~ " = '' then '' when regexp_matches(" ~ text
        ~ ", '(?i)\\d ?[ap][.]?m') then ' ' || " ~ half_day ~ " else ' ' || " ~ time ~ " end" %}
    {#- most times have this form, which is read ten times faster; a year of two digits does not fit it -#}
    {% set minute = "try_strptime(" ~ text ~ ", '" ~ ('%d/%m' if order == '\\3-\\2-\\1' else '%m/%d') ~ "/%Y %H:%M')" %}
    {{ return("case when " ~ minute ~ " >= timestamp '1000-01-01' then strftime(" ~ minute ~ ", '%Y-%m-%d %H:%M:%S')"
        ~ " when regexp_matches(" ~ text ~ ", " ~ pattern ~ ") then " ~ iso ~ " || " ~ rest ~ " end") }}
{% endmacro %}


{#- A date with the name of a month, or a time with AM or PM, as a time of ISO. A zone at the end becomes its
    offset. -#}
{% macro duckdb__worded_time(text) %}
    {% set dates = ['%b %d, %Y', '%B %d, %Y', '%b %d %Y', '%B %d %Y', '%d %b %Y', '%d %B %Y', '%d-%b-%Y', '%d-%b-%y',
        '%d %b, %Y', '%a, %d %b %Y', '%Y-%m-%d'] %}
    {% set offsets = {
        'UTC': '+00:00', 'GMT': '+00:00', 'Z': '+00:00', 'BST': '+01:00', 'CET': '+01:00', 'CEST': '+02:00',
        'EST': '-05:00', 'EDT': '-04:00', 'CST': '-06:00', 'CDT': '-05:00', 'MST': '-07:00', 'MDT': '-06:00',
        'PST': '-08:00', 'PDT': '-07:00', 'JST': '+09:00', 'AEST': '+10:00', 'AEDT': '+11:00',
    } %}
    {% set formats = [] %}
    {% for date in dates %}
        {% for time in ['', ' %I:%M:%S %p', ' %I:%M %p', ' %H:%M:%S', ' %H:%M', ' at %I:%M %p', ', %I:%M %p',
                ', %I:%M:%S %p', ', %H:%M:%S', ', %H:%M', ' %I %p'] %}
            {% do formats.append(date ~ time) %}
        {% endfor %}
    {% endfor %}
    {% set cases = [] %}
    {% for zone, offset in offsets.items() %}
        {% do cases.append("when '" ~ zone ~ "' then '" ~ offset ~ "'") %}
    {% endfor %}
    {% set found = "regexp_extract(" ~ text ~ ", ' (Z|[A-Z]{2,4}|[+-]\\d{2}:?\\d{2})$', 1)" %}
    {% set zone = "case when " ~ found ~ " in ('AM', 'PM') then '' else " ~ found ~ " end" %}
    {% set offset = "case " ~ zone ~ " " ~ cases | join(' ') ~ " when '' then '' else case when "
        ~ found ~ " < 'A' then " ~ found ~ " end end" %}
    {% set bare = "regexp_replace(trim(left(" ~ text ~ ", length(" ~ text ~ ") - length(" ~ zone
        ~ "))), '(?i) ?([ap])[.]?m[.]?$', ' \\1m')" %}
    {% set time = "try_strptime(" ~ bare ~ ", " ~ duckdb__text_list(formats) ~ ")" %}
    {{ return("case when contains(" ~ text ~ ", ':') then cast(" ~ time ~ " as varchar) || " ~ offset
        ~ " else cast(cast(" ~ time ~ " as date) as varchar) end") }}
{% endmacro %}


{% macro duckdb__time_of_epoch(number, microseconds) %}
    {{ return('cast(make_timestamp(cast(try_cast(' ~ number ~ ' as bigint) * cast(' ~ microseconds
        ~ ' as bigint) as bigint)) as varchar)') }}
{% endmacro %}


{#- 1,234.50, $5, (5.00), 5.00- or 1 234,50 as digits with a point; `thousands` and `decimal` are its marks. Thousands
    that are not three digits are a typing error. -#}
{% macro duckdb__plain_number(text, thousands, decimal) %}
    {% set kept = "replace(regexp_replace(" ~ text ~ ", '[^0-9" ~ decimal ~ "]', '', 'g'), '" ~ decimal ~ "', '.')" %}
    {% set groups = "\\d{1,3}([" ~ thousands ~ "'\\x{2019}\\x{a0}\\x{202f} ]\\d{3})+" %}
    {% set is_number = matches(text, number_pattern()) ~ " and "
        ~ matches(text, "^\\D*(\\d+|" ~ groups ~ ")([" ~ decimal ~ "]\\d*)?\\D*$") %}
    {{ return("case when " ~ is_number ~ " then case when regexp_matches(" ~ text ~ ", '[(-]') then '-' else '' end || "
        ~ kept ~ " end") }}
{% endmacro %}


{% macro spark__canonical_text(text, form) %}
    {{ return(text) }}
{% endmacro %}
