{% macro reason_code(reason) %}
    {{ return('lower(trim(' ~ reason ~ '))') }}
{% endmacro %}


{#- The code of a reason; NULL where none is known. -#}
{% macro known_reason(reason) %}
    {{ return('nullif(' ~ reason_code(reason) ~ ", 'unknown')") }}
{% endmacro %}
