{#- Kaplan and Meier's estimate is a product over the durations, here as the sum of its logarithms: of those at
    risk on a duration, the share to whom nothing happened. Where it happened to all of them there is no
    logarithm, and survival is 0. -#}
{% macro log_survival(events, at_risk) %}
    {{ return('sum(case when ' ~ events ~ ' < ' ~ at_risk ~ ' then ln(1 - ' ~ events ~ ' / ' ~ at_risk ~ ') end)') }}
{% endmacro %}


{% macro extinctions(events, at_risk) %}
    {{ return('count(case when ' ~ events ~ ' = ' ~ at_risk ~ ' then 1 end)') }}
{% endmacro %}
