{#- The segments of a customer that a report can be cut by. -#}
{% macro segments() %}
    {{ return(['region', 'industry', 'customer_segment', 'acquisition_channel']) }}
{% endmacro %}


{#- The segment columns of a cube, as a select list. -#}
{% macro segment_columns(relation=none) %}
    {% set prefix = relation ~ '.' if relation else '' %}
    {{ return(prefix ~ segments() | join(', ' ~ prefix)) }}
{% endmacro %}


{#- The rows of a relation with the segment columns, once for everybody and once for each segment: the slices of
    a report whose numbers do not add up, by segment_name and segment_value; a query. A report may have segments of
    its own. -#}
{% macro rows_by_slice(relation, names=none) %}
    {% set names = names or segments() %}
    {% set cases = [] %}
    {% for segment in names %}
        {% do cases.append("when '" ~ segment ~ "' then " ~ relation ~ '.' ~ segment) %}
    {% endfor %}
    select
        {{ relation }}.*,
        slices.segment_name,
        case slices.segment_name when 'all' then 'all' {{ cases | join(' ') }} end as segment_value
    from {{ relation }}
    cross join (
        select 'all' as segment_name
        {%- for segment in names %}
        union all
        select '{{ segment }}' as segment_name
        {%- endfor %}
    ) as slices
{% endmacro %}


{#- Whether two relations agree in some columns, none of which is NULL; a condition to join on. -#}
{% macro same_values(left, right, columns) %}
    {% set conditions = [] %}
    {% for column in columns %}
        {% do conditions.append(left ~ '.' ~ column ~ ' = ' ~ right ~ '.' ~ column) %}
    {% endfor %}
    {{ return(conditions | join(' and ')) }}
{% endmacro %}


{#- Whether a word is one of a seed, however that spells it. -#}
{% macro is_word_of_seed(word, word_of_seed) %}
    {{- return('lower(' ~ word ~ ') = lower(trim(' ~ word_of_seed ~ '))') -}}
{% endmacro %}
