{#- The shop's till writes ids with a hash sign before them. -#}
{% macro duckdb__trimmed(expression) %}
    {{ return("ltrim(trim(" ~ expression ~ "), '#')") }}
{% endmacro %}
