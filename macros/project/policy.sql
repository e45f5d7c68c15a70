{% macro policy(name, choices, choice=none) %}
    {% set choice = var(name) if choice is none else choice %}
    {% if execute and choice not in choices %}
        {% do exceptions.raise_compiler_error(
            'Invalid ' ~ name ~ ' ' ~ choice | tojson ~ '. Use ' ~ choices | select | join(' or ') ~ '.'
        ) %}
    {% endif %}
    {{ return(choice) }}
{% endmacro %}
