{#- The project's money type: cents, rounded half away from zero. -#}
{% macro as_amount(expression) %}
    {{ return('cast(' ~ expression ~ ' as decimal(18, 2))') }}
{% endmacro %}


{#- An amount of a row in the reporting currency, at the row's exchange_rate, a floating-point number:
    a decimal one wide enough for every currency takes ten times as long. -#}
{% macro in_reporting_currency(amount) %}
    {{ return('case when exchange_rate = 1 then ' ~ amount ~ ' else '
        ~ as_amount(amount ~ ' * exchange_rate') ~ ' end') }}
{% endmacro %}


{#- An amount per head. Division gives floating point: six digits first, so that a half cent is one;
    a wider decimal takes five times as long. -#}
{% macro amount_per(amount, count) %}
    {{ return(as_amount('cast(' ~ amount ~ ' / ' ~ count ~ ' as decimal(18, 6))')) }}
{% endmacro %}


{#- Share of a part in a whole; NULL where there is no whole. -#}
{% macro rate(part, whole) %}
    {{ return('cast(' ~ part ~ ' as double) / nullif(' ~ whole ~ ', 0)') }}
{% endmacro %}
