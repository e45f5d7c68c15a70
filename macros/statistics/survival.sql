{#- Kaplan and Meier's estimate is a product over the durations, here as the sum of its logarithms: of those at
    risk on a duration, the share to whom nothing happened. Where it happened to all of them there is no
    logarithm, and survival is 0. -#}
{% macro log_survival(events, at_risk) %}
    {{ return('sum(case when ' ~ events ~ ' < ' ~ at_risk ~ ' then ln(1 - ' ~ events ~ ' / ' ~ at_risk ~ ') end)') }}
{% endmacro %}


{% macro extinctions(events, at_risk) %}
    {{ return('count(case when ' ~ events ~ ' = ' ~ at_risk ~ ' then 1 end)') }}
{% endmacro %}


{#- Greenwood's sum, of which the estimate's variance is made. -#}
{% macro greenwood_sum(events, at_risk) %}
    {{ return('sum(case when ' ~ events ~ ' < ' ~ at_risk ~ ' then ' ~ events ~ ' / (' ~ at_risk ~ ' * (' ~ at_risk
        ~ ' - ' ~ events ~ ')) end)') }}
{% endmacro %}


{#- Lower ('-') or upper ('+') bound of the estimate's 95 % interval on the log(-log) scale (Kalbfleisch and Prentice);
    NULL where the estimate is 1. At 0 it is not defined either: there is no logarithm then to ask it of. -#}
{% macro log_log_bound(log_survival, greenwood_sum, side) %}
    {% set sign = '' if side == '-' else '-' %}
    {{ return('exp(nullif(' ~ log_survival ~ ', 0) * exp(' ~ sign ~ z_95_unrounded() ~ ' * sqrt(' ~ greenwood_sum
        ~ ') / abs(nullif(' ~ log_survival ~ ', 0))))') }}
{% endmacro %}
