{% macro setting(name, default=none) %}
    {% set from_environment = env_var(name | upper, '') %}
    {{ return(var(name, none) or from_environment or default) }}
{% endmacro %}
