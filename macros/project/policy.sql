{#- The value of a var that takes one of a few words; any other stops the build and names them. -#}
{% macro policy(name, choices) %}
    {% set choice = var(name) %}
    {% if execute and choice not in choices %}
        {% do exceptions.raise_compiler_error(
            name ~ ' is ' ~ choice | tojson ~ '; it must be ' ~ choices | join(' or ') ~ '.'
        ) %}
    {% endif %}
    {{ return(choice) }}
{% endmacro %}
