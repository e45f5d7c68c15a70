{#- Warns of what a query finds: rows of a name and how often it is there. Nothing found, nothing said.

    counted_names  SQL of two columns, the most frequent name first
    message        what is wrong with them; the names, the twenty most frequent of them, end it -#}
{% macro warn_of_names(counted_names, message) %}
    {% set found = run_query(counted_names).rows if execute else [] %}
    {% if found %}
        {% set named = [] %}
        {% for name, count in found %}
            {% do named.append(name ~ ' (' ~ count ~ ')') if loop.index <= 20 %}
        {% endfor %}
        {% do exceptions.warn(
            message ~ ': ' ~ named | join(', ')
            ~ (' and ' ~ (found | length - 20) ~ ' more' if found | length > 20 else '') ~ '.'
        ) %}
    {% endif %}
{% endmacro %}
