{% macro policy(name, choices) %}
    {% set choice = var(name) %}
    {% if execute and choice not in choices %}
        {% do exceptions.raise_compiler_error(
            'Invalid ' ~ name ~ ' ' ~ choice | tojson ~ '. Use ' ~ choices | join(' or ') ~ '.'
        ) %}
    {% endif %}
    {{ return(choice) }}
{% endmacro %}
