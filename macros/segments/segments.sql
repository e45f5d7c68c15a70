{#- The segments of a customer that a report can be cut by. -#}
{% macro segments() %}
    {{ return(['region', 'industry', 'customer_segment', 'acquisition_channel']) }}
{% endmacro %}


{#- The segment columns of a cube, as a select list. -#}
{% macro segment_columns(relation=none) %}
    {% set prefix = relation ~ '.' if relation else '' %}
    {{ return(prefix ~ segments() | join(', ' ~ prefix)) }}
{% endmacro %}


{#- Numbers the combinations of segments that occur, so that the steps of a query group by one number instead of four
    columns. -#}
{% macro numbered_segments(customers) %}
    select
        {{ segment_columns() }},
        row_number() over (order by {{ segment_columns() }}) as segment_number
    from {{ customers }}
    group by {{ segment_columns() }}
{% endmacro %}


{#- Columns of `customers` that an analyst has named as segments: column of the marts -> its name in the delivery. -#}
{% macro custom_segments() %}
    {% set found = {} %}
    {% for column in ['custom_segment_1', 'custom_segment_2'] if var(column) %}
        {% set name = var(column) | string | trim | lower %}
        {% if name in found.values() or name in names_of_slices()
            or not modules.re.fullmatch('[^\\W\\d][\\w .-]*', name) %}
            {{ exceptions.raise_compiler_error(
                "Invalid " ~ column ~ " '" ~ var(column) ~ "'. Name a column of customers, in letters, digits and"
                ~ ' underscores, that is not the name of another slice.'
            ) }}
        {% endif %}
        {% do found.update({column: name}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- Names that a slice of some report has already. -#}
{% macro names_of_slices() %}
    {{ return(slices_of_customers() + [
        'all', 'touchpoint', 'customer', 'programme', 'programme_tier', 'acquisition_campaign', 'billing_term',
        'plan',
    ]) }}
{% endmacro %}


{#- What a slice may be of, besides the segments of a cube and those of one's own. -#}
{% macro slices_of_customers() %}
    {{ return(segments() + ['vertical', 'discount', 'first_plan']) }}
{% endmacro %}


{#- The columns of a customer that a report is sliced by: the segments of a cube, and those that are only slices, because
    each more would multiply the rows of a cube. -#}
{% macro slices() %}
    {% set unknown = var('more_slices') | reject('in', slices_of_customers()) | list %}
    {% if unknown %}
        {{ exceptions.raise_compiler_error(
            "Invalid more_slices '" ~ unknown | join(', ') ~ "'. Use " ~ slices_of_customers()[4:] | join(', ') ~ '.'
        ) }}
    {% endif %}
    {{ return((segments() + var('more_slices') + custom_segments() | list) | unique | list) }}
{% endmacro %}


{#- The columns of the slices, as a select list. -#}
{% macro slice_columns(relation=none) %}
    {% set prefix = relation ~ '.' if relation else '' %}
    {{ return(prefix ~ slices() | join(', ' ~ prefix)) }}
{% endmacro %}


{#- The rows of a relation, once for everybody and once for each slice: those of a report whose numbers do not add up, by
    segment_name and segment_value; a query. A report may have slices of its own. A segment of one's own goes by its name
    in the delivery. -#}
{% macro rows_by_slice(relation, columns=none) %}
    {% set names = {} %}
    {% for column in columns or slices() %}
        {% do names.update({column: custom_segments().get(column, column)}) %}
    {% endfor %}
    {% set cases = [] %}
    {% for column, name in names.items() %}
        {% do cases.append("when '" ~ name ~ "' then " ~ relation ~ '.' ~ column) %}
    {% endfor %}
    select
        {{ relation }}.*,
        slices.segment_name,
        case slices.segment_name when 'all' then 'all' {{ cases | join(' ') }} end as segment_value
    from {{ relation }}
    cross join (
        select 'all' as segment_name
        {%- for name in names.values() %}
        union all
        select '{{ name }}' as segment_name
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
