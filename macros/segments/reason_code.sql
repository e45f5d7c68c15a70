{% macro reason_code(reason) %}
    {{ return('lower(trim(' ~ reason ~ '))') }}
{% endmacro %}
