{#- First day of the period of a date; the grain is a column holding month, quarter or year. -#}
{% macro period_start(period_grain, date) %}
    {{ return("cast(case " ~ period_grain
        ~ " when 'month' then date_trunc('month', " ~ date ~ ")"
        ~ " when 'quarter' then date_trunc('quarter', " ~ date ~ ")"
        ~ " when 'year' then date_trunc('year', " ~ date ~ ") end as date)") }}
{% endmacro %}


{#- First day of a date's month. -#}
{% macro month_start(date) %}
    {{ return("cast(date_trunc('month', " ~ date ~ ") as date)") }}
{% endmacro %}


{#- Calendar months from one date's month to another's. -#}
{% macro months_between(earlier, later) %}
    {{ return('((year(' ~ later ~ ') - year(' ~ earlier ~ ')) * 12 + month(' ~ later
        ~ ') - month(' ~ earlier ~ '))') }}
{% endmacro %}
