{#- 1 where a trend is on, 0 where it is off, NULL where it goes on as it was. The thresholds are two
    comparisons with a percentage of what was before: where it begins, and where it ends. -#}
{% macro trend_mark(now, before, thresholds) %}
        case
            when {{ before }} <= 0 then 0
            when {{ now }} * 100 {{ thresholds[0] }} * {{ before }} then 1
            when {{ now }} * 100 {{ thresholds[1] }} * {{ before }} then 0
        end
{%- endmacro %}
