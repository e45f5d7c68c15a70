{#- Whether a trend is on: 1 from the first threshold, 0 from the second, and NULL between them, where it
    stays as it was. A threshold compares with a percentage of what was spent before. -#}
{% macro trend_mark(now, before, thresholds) %}
        case
            when {{ before }} <= 0 then 0
            when {{ now }} * 100 {{ thresholds[0] }} * {{ before }} then 1
            when {{ now }} * 100 {{ thresholds[1] }} * {{ before }} then 0
        end
{%- endmacro %}
