{#- Values of other forms than the contract's, as text: how each form is recognised and rewritten. A value that a
    form does not fit stays as it is, and is rejected later with its own words. -#}


{% macro matches(text, pattern) %}
    {{ return(adapter.dispatch('matches', 'customer_lifecycle_warehouse')(text, pattern)) }}
{% endmacro %}

{% macro duckdb__matches(text, pattern) %}
    {{ return('regexp_matches(' ~ text ~ ', ' ~ sql_text(pattern) ~ ')') }}
{% endmacro %}

{% macro spark__matches(text, pattern) %}
    {{ return('regexp_like(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ')') }}
{% endmacro %}

{#- Java ends a text before a line break at its end as well, and knows more line breaks than one. -#}
{% macro spark__pattern(pattern) %}
    {{ return(sql_text('(?d)' ~ modules.re.sub('(?<![\\\\[])[$]', '\\\\z', pattern))) }}
{% endmacro %}


{% macro number_in(text, pattern, group) %}
    {{ return(adapter.dispatch('number_in', 'customer_lifecycle_warehouse')(text, pattern, group)) }}
{% endmacro %}

{% macro duckdb__number_in(text, pattern, group) %}
    {{ return('try_cast(regexp_extract(' ~ text ~ ', ' ~ sql_text(pattern) ~ ', ' ~ group ~ ') as integer)') }}
{% endmacro %}

{% macro spark__number_in(text, pattern, group) %}
    {{ return('try_cast(regexp_extract(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ', ' ~ group ~ ') as integer)') }}
{% endmacro %}


{#- What a group of a pattern matches in a text; NULL where it matches nothing. -#}
{% macro text_in(text, pattern, group) %}
    {{ return(adapter.dispatch('text_in', 'customer_lifecycle_warehouse')(text, pattern, group)) }}
{% endmacro %}

{% macro duckdb__text_in(text, pattern, group) %}
    {{ return("nullif(regexp_extract(" ~ text ~ ", " ~ sql_text(pattern) ~ ", " ~ group ~ "), '')") }}
{% endmacro %}

{% macro spark__text_in(text, pattern, group) %}
    {{ return("nullif(regexp_extract(" ~ text ~ ", " ~ spark__pattern(pattern) ~ ", " ~ group ~ "), '')") }}
{% endmacro %}


{#- A text with what a pattern matches replaced, once. `\1` is the first group. -#}
{% macro rewritten(text, pattern, replacement) %}
    {{ return(adapter.dispatch('rewritten', 'customer_lifecycle_warehouse')(text, pattern, replacement)) }}
{% endmacro %}

{% macro duckdb__rewritten(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ sql_text(pattern) ~ ', ' ~ sql_text(replacement) ~ ')') }}
{% endmacro %}

{#- Every pattern begins or ends where the text does, so that none is replaced twice. -#}
{% macro spark__rewritten(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ', '
        ~ sql_text(replacement.replace('\\', '$')) ~ ')') }}
{% endmacro %}


{% macro canonical_text(text, form) %}
    {% set rewritten_text = {
        'day_first': numeric_date(text, '\\3-\\2-\\1'),
        'month_first': numeric_date(text, '\\3-\\1-\\2'),
        'words': worded_time(text),
        'compact': rewritten(text, '^(\\d{4})(\\d{2})(\\d{2})$', '\\1-\\2-\\3'),
        'epoch_seconds': time_of_epoch(text, 1000000) ~ " || 'Z'",
        'epoch_milliseconds': time_of_epoch(text, 1000) ~ " || 'Z'",
        'serial': "case when contains(" ~ text ~ ", '.') then "
            ~ time_of_epoch('round((try_cast(' ~ text ~ ' as double) - 25569) * 86400)', 1000000)
            ~ " else cast(" ~ days_after("date '1899-12-30'", 'try_cast(' ~ text ~ ' as integer)')
            ~ " as string) end",
        'decimal_point': plain_number(text, ',', '.'),
        'decimal_comma': plain_number(text, '.', ','),
        'whole_number': rewritten(text, '^(\\d+)[.]0+$', '\\1'),
    } %}
    {{ return('coalesce(' ~ rewritten_text[form] ~ ', ' ~ text ~ ')') }}
{% endmacro %}


{#- 31/12/2025, 1.2.25 or 12-31-2025, with or without a time, as a date of ISO with that time. -#}
{% macro numeric_date(text, order) %}
    {% set pattern = '^(\\d{1,2})[/.-](\\d{1,2})[/.-](\\d{4}|\\d{2})($|\\D.*)' %}
    {% set date = rewritten(text, pattern, order) %}
    {% set time = "trim(leading ', T' from " ~ rewritten(text, pattern, '\\4') ~ ')' %}
    {% set half_day = time_of_half_day(rewritten(time, '(?i) ?([ap])[.]?m[.]?$', ' \\1m')) %}
    {#- two digits of a year are of this century up to 69 -#}
    {% set century = "case when substr(" ~ date ~ ", 3, 1) <> '-' then '' when " ~ date
        ~ " >= '70' then '19' else '20' end" %}
    {% set iso = "cast(try_cast(" ~ century ~ " || " ~ date ~ " as date) as string)" %}
    {% set rest = "case when " ~ time ~ " = '' then '' when " ~ matches(text, '(?i)\\d ?[ap][.]?m')
        ~ " then ' ' || " ~ half_day ~ " else ' ' || " ~ time ~ " end" %}
    {#- most times have this form, which is read ten times faster; a year of two digits does not fit it -#}
    {{ return("coalesce(" ~ time_of_minute(text, order == '\\3-\\2-\\1') ~ ", case when " ~ matches(text, pattern)
        ~ " then " ~ iso ~ " || " ~ rest ~ " end)") }}
{% endmacro %}


{#- 31/12/2025 23:59 as a time of ISO; NULL for any other text. -#}
{% macro time_of_minute(text, is_day_first) %}
    {{ return(adapter.dispatch('time_of_minute', 'customer_lifecycle_warehouse')(text, is_day_first)) }}
{% endmacro %}

{% macro duckdb__time_of_minute(text, is_day_first) %}
    {% set minute = "try_strptime(" ~ text ~ ", '" ~ ('%d/%m' if is_day_first else '%m/%d') ~ "/%Y %H:%M')" %}
    {{ return("case when " ~ minute ~ " >= timestamp '1000-01-01' then strftime(" ~ minute
        ~ ", '%Y-%m-%d %H:%M:%S') end") }}
{% endmacro %}

{% macro spark__time_of_minute(text, is_day_first) %}
    {% set pattern = '^(\\d{1,2})/(\\d{1,2})/([1-9]\\d{3})\\s+(\\d{1,2}:\\d{1,2})\\s*$' %}
    {{ return('case when ' ~ matches(text, pattern) ~ ' then cast(try_cast(' ~ rewritten(
        text, pattern, '\\3-\\2-\\1 \\4' if is_day_first else '\\3-\\1-\\2 \\4'
    ) ~ ' as timestamp) as string) end') }}
{% endmacro %}


{#- The time of day in a text such as `3:04:05 pm`, `3:04 pm` or `3 pm`, as a text. -#}
{% macro time_of_half_day(text) %}
    {{ return(adapter.dispatch('time_of_half_day', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__time_of_half_day(text) %}
    {{ return('strftime(try_strptime(' ~ text ~ ', ' ~ duckdb__text_list(['%I:%M:%S %p', '%I:%M %p', '%I %p'])
        ~ "), '%H:%M:%S')") }}
{% endmacro %}

{% macro spark__time_of_half_day(text) %}
    {{ return('case when ' ~ matches(text, '(?i)^\\d{1,2}(:\\d{1,2}){0,2}\\s+[ap]m\\s*$') ~ ' then ' ~ spark__clock(text) ~ ' end') }}
{% endmacro %}

{#- The time of day at the end of a text; NULL where no clock shows it. -#}
{% macro spark__clock(text) %}
    {% set pattern = '(?i)(\\d{1,2})(?::(\\d{1,2}))?(?::(\\d{1,2}))?(?:\\s+([ap])m)?\\s*$' %}
    {% set hour = number_in(text, pattern, 1) %}
    {% set half = "lower(regexp_extract(" ~ text ~ ", " ~ spark__pattern(pattern) ~ ", 4))" %}
    {% set minute = 'coalesce(' ~ number_in(text, pattern, 2) ~ ', 0)' %}
    {% set second = 'coalesce(' ~ number_in(text, pattern, 3) ~ ', 0)' %}
    {% set two_digits = [] %}
    {% for number in [
        'case ' ~ half ~ " when 'p' then " ~ hour ~ " % 12 + 12 when 'a' then " ~ hour ~ ' % 12 else ' ~ hour ~ ' end',
        minute, second,
    ] %}
        {% do two_digits.append('lpad(cast(' ~ number ~ " as string), 2, '0')") %}
    {% endfor %}
    {{ return('case when ' ~ hour ~ ' < 24 and (' ~ half ~ " = '' or " ~ hour ~ ' between 1 and 12) and ' ~ minute
        ~ ' < 60 and ' ~ second ~ ' < 60 then ' ~ two_digits | join(" || ':' || ") ~ ' end') }}
{% endmacro %}


{#- A date with the name of a month, or a time with AM or PM, as a time of ISO. A zone at the end becomes its
    offset. -#}
{% macro worded_time(text) %}
    {% set offsets = {
        'UTC': '+00:00', 'GMT': '+00:00', 'Z': '+00:00', 'BST': '+01:00', 'CET': '+01:00', 'CEST': '+02:00',
        'EST': '-05:00', 'EDT': '-04:00', 'CST': '-06:00', 'CDT': '-05:00', 'MST': '-07:00', 'MDT': '-06:00',
        'PST': '-08:00', 'PDT': '-07:00', 'JST': '+09:00', 'AEST': '+10:00', 'AEDT': '+11:00',
    } %}
    {% set cases = [] %}
    {% for zone, offset in offsets.items() %}
        {% do cases.append("when '" ~ zone ~ "' then '" ~ offset ~ "'") %}
    {% endfor %}
    {% set found = "coalesce(" ~ text_in(text, ' (Z|[A-Z]{2,4}|[+-]\\d{2}:?\\d{2})$', 1) ~ ", '')" %}
    {% set zone = "case when " ~ found ~ " in ('AM', 'PM') then '' else " ~ found ~ " end" %}
    {% set offset = "case " ~ zone ~ " " ~ cases | join(' ') ~ " when '' then '' else case when "
        ~ found ~ " < 'A' then " ~ found ~ " end end" %}
    {% set bare = rewritten("trim(left(" ~ text ~ ", length(" ~ text ~ ") - length(" ~ zone ~ ")))",
        '(?i) ?([ap])[.]?m[.]?$', ' \\1m') %}
    {% set time = time_of_words(bare) %}
    {{ return("case when contains(" ~ text ~ ", ':') then cast(" ~ time ~ " as string) || " ~ offset
        ~ " else cast(cast(" ~ time ~ " as date) as string) end") }}
{% endmacro %}


{#- The time in a text such as `Jan 5, 2025 3:04 pm` or `5 January 2025`; NULL for any other text. -#}
{% macro time_of_words(text) %}
    {{ return(adapter.dispatch('time_of_words', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__time_of_words(text) %}
    {% set dates = ['%b %d, %Y', '%B %d, %Y', '%b %d %Y', '%B %d %Y', '%d %b %Y', '%d %B %Y', '%d-%b-%Y', '%d-%b-%y',
        '%d %b, %Y', '%a, %d %b %Y', '%Y-%m-%d'] %}
    {% set formats = [] %}
    {% for date in dates %}
        {% for time in ['', ' %I:%M:%S %p', ' %I:%M %p', ' %H:%M:%S', ' %H:%M', ' at %I:%M %p', ', %I:%M %p',
                ', %I:%M:%S %p', ', %H:%M:%S', ', %H:%M', ' %I %p'] %}
            {% do formats.append(date ~ time) %}
        {% endfor %}
    {% endfor %}
    {{ return("try_strptime(" ~ text ~ ", " ~ duckdb__text_list(formats) ~ ")") }}
{% endmacro %}

{#- The same dates and times as DuckDB's formats. -#}
{% macro spark__time_of_words(text) %}
    {% set short = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec' %}
    {% set long = 'january|february|march|april|may|june|july|august|september|october|november|december' %}
    {% set clock = "regexp_extract(" ~ text ~ ", " ~ spark__pattern(
        '(?i)(,?\\s+\\d{1,2}:\\d{1,2}(:\\d{1,2})?(\\s+[ap]m)?|\\s+at\\s+\\d{1,2}:\\d{1,2}\\s+[ap]m|\\s+\\d{1,2}\\s+[ap]m)\\s*$'
    ) ~ ", 1)" %}
    {% set date = 'left(' ~ text ~ ', length(' ~ text ~ ') - length(' ~ clock ~ '))' %}
    {#- pattern, and its groups: year, month, day -#}
    {% set whens = [] %}
    {% for pattern, year, month, day in [
        ('(' ~ short ~ '|' ~ long ~ ') (\\d{1,2}),? (\\d{1,4})', 3, 1, 2),
        ('(\\d{1,2}) (' ~ short ~ '|' ~ long ~ ') (\\d{1,4})', 3, 2, 1),
        ('(\\d{1,2}) (' ~ short ~ '), (\\d{1,4})', 3, 2, 1),
        ('(\\d{1,2})-(' ~ short ~ ')-(\\d{1,4})', 3, 2, 1),
        ('(mon|tue|wed|thu|fri|sat|sun), (\\d{1,2}) (' ~ short ~ ') (\\d{1,4})', 4, 3, 2),
        ('(\\d{1,4})-(\\d{1,2})-(\\d{1,2})', 1, 2, 3),
    ] %}
        {% set pattern = '(?i)^' ~ pattern | replace(' ', '\\s+') ~ '\\s*$' %}
        {% set groups = [] %}
        {% for group in [year, month, day] %}
            {% do groups.append('regexp_extract(' ~ date ~ ', ' ~ spark__pattern(pattern) ~ ', ' ~ group ~ ')') %}
        {% endfor %}
        {% set month_number = groups[1] if loop.last else 'cast(find_in_set(lower(left(' ~ groups[1] ~ ", 3)), '"
            ~ short | replace('|', ',') ~ "') as string)" %}
        {% do whens.append('when ' ~ matches(date, pattern) ~ ' then '
            ~ spark__day_of_parts(groups[0], month_number, groups[2])) %}
    {% endfor %}
    {{ return('try_cast(case ' ~ whens | join(' ') ~ " end || ' ' || case when " ~ clock ~ " = '' then '00:00:00' else "
        ~ spark__clock(clock) ~ ' end as timestamp)') }}
{% endmacro %}


{#- A number of units since 1970, in text or not, as a text. -#}
{% macro time_of_epoch(number, microseconds) %}
    {{ return(adapter.dispatch('time_of_epoch', 'customer_lifecycle_warehouse')(number, microseconds)) }}
{% endmacro %}

{% macro duckdb__time_of_epoch(number, microseconds) %}
    {{ return('cast(make_timestamp(cast(try_cast(' ~ number ~ ' as bigint) * cast(' ~ microseconds
        ~ ' as bigint) as bigint)) as varchar)') }}
{% endmacro %}

{#- A cast of Spark to a whole number takes none with a point. -#}
{% macro spark__time_of_epoch(number, microseconds) %}
    {{ return("trim(leading '+' from cast(timestamp_micros(try_multiply(try_cast(round(try_cast(" ~ number
        ~ ' as decimal(38, 10))) as bigint), cast(' ~ microseconds ~ ' as bigint))) as string))') }}
{% endmacro %}


{#- 1,234.50, $5, (5.00), 5.00- or 1 234,50 as digits with a point; `thousands` and `decimal` are its marks. Thousands
    that are not three digits are a typing error. -#}
{% macro plain_number(text, thousands, decimal) %}
    {% set kept = "replace(" ~ without(text, '[^0-9' ~ decimal ~ ']') ~ ", '" ~ decimal ~ "', '.')" %}
    {% set groups = "\\d{1,3}([" ~ thousands ~ "'\\x{2019}\\x{a0}\\x{202f} ]\\d{3})+" %}
    {% set is_number = matches(text, number_pattern()) ~ " and "
        ~ matches(text, "^\\D*(\\d+|" ~ groups ~ ")([" ~ decimal ~ "]\\d*)?\\D*$") %}
    {{ return("case when " ~ is_number ~ " then case when " ~ matches(text, '[(-]') ~ " then '-' else '' end || "
        ~ kept ~ " end") }}
{% endmacro %}


{#- A text without all that a pattern matches. -#}
{% macro without(text, pattern) %}
    {{ return(adapter.dispatch('without', 'customer_lifecycle_warehouse')(text, pattern)) }}
{% endmacro %}

{% macro duckdb__without(text, pattern) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ sql_text(pattern) ~ ", '', 'g')") }}
{% endmacro %}

{% macro spark__without(text, pattern) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ spark__pattern(pattern) ~ ", '')") }}
{% endmacro %}
