{#- factor + factor^2 + ... so many times, of a factor from 0 to 1 with floating point. -#}
{% macro geometric_sum(factor, terms) %}
    {{ return('(case when ' ~ factor ~ ' = 1 then ' ~ terms ~ ' else ' ~ factor ~ ' * (1 - power('
        ~ factor ~ ', ' ~ terms ~ ')) / (1 - ' ~ factor ~ ') end)') }}
{% endmacro %}
