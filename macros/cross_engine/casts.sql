{#- Values of other types as values of the contract's, or NULL. -#}


{#- A text as a value of a type, except a timestamp: utc_time_of_text() reads those. -#}
{% macro cast_of_text(text, type) %}
    {{ return(adapter.dispatch('cast_of_text', 'customer_lifecycle_warehouse')(text, type)) }}
{% endmacro %}

{% macro duckdb__cast_of_text(text, type) %}
    {{ return(whole_number(text) if type == 'integer' else 'try_cast(' ~ text ~ ' as ' ~ type ~ ')') }}
{% endmacro %}

{#- Spark casts more texts than DuckDB: 5d is a number, 2024 a date. -#}
{% macro spark__cast_of_text(text, type) %}
    {% set number = 'case when ' ~ matches(
        text, '(?i)^\\s*[+-]?((\\d+[.]?\\d*|[.]\\d+)(e[+-]?\\d+)?|inf|infinity|nan)\\s*$'
    ) ~ ' then ' ~ text ~ ' end' %}
    {% if type == 'integer' %}
        {{ return(whole_number('try_cast(' ~ number ~ ' as double)')) }}
    {% elif type == 'double' or type.startswith('decimal') %}
        {{ return('try_cast(' ~ number ~ ' as ' ~ type ~ ')') }}
    {% elif type == 'date' %}
        {{ return(spark__date_of_text(text)) }}
    {% elif type == 'boolean' %}
        {{ return('try_cast(case when ' ~ matches(text, '^\\w+$') ~ ' then ' ~ text ~ ' end as boolean)') }}
    {% endif %}
    {{ return('try_cast(' ~ text ~ ' as ' ~ type ~ ')') }}
{% endmacro %}


{#- A cast alone would silently round 6.5 to 7. -#}
{% macro whole_number(value) %}
    {{ return('case when try_cast(' ~ value ~ ' as double) = try_cast(' ~ value ~ ' as integer) then try_cast('
        ~ value ~ ' as integer) end') }}
{% endmacro %}


{#- A value of a type other than text as one of another type. -#}
{% macro cast_of_value(value, from_type, type) %}
    {{ return(adapter.dispatch('cast_of_value', 'customer_lifecycle_warehouse')(value, from_type, type)) }}
{% endmacro %}

{% macro duckdb__cast_of_value(value, from_type, type) %}
    {{ return(whole_number(value) if type == 'integer' else 'try_cast(' ~ value ~ ' as ' ~ type ~ ')') }}
{% endmacro %}

{#- Spark has no cast from a day to a number, and one from a number to a time: of kinds that differ, the text counts. A
    number with a fraction is rounded in its decimal digits there, and as it is stored here. With at most
    20 digits the division cannot overflow, which try_cast would not forgive. -#}
{% macro spark__cast_of_value(value, from_type, type) %}
    {% set kinds = [] %}
    {% for each in [from_type or '', type] %}
        {% do kinds.append(
            'time' if each.startswith(('timestamp', 'date'))
            else 'number' if modules.re.match('(tinyint|smallint|integer|bigint|float|double|decimal|boolean)', each) else each
        ) %}
    {% endfor %}
    {% if from_type and type != 'string' and kinds[0] != kinds[1] %}
        {{ return(cast_or_null('cast(' ~ value ~ ' as string)', 'varchar', type)) }}
    {% elif from_type == 'timestamp with time zone' and type == 'string' %}
        {#- as a text, a moment of Spark would be the time of any zone -#}
        {{ return('cast(' ~ value ~ " as string) || '+00'") }}
    {% elif from_type in ('double', 'float') and type == 'decimal(18,2)' %}
        {{ return('try_cast(try_cast(round(' ~ value ~ ' * 100) as decimal(20, 0)) / 100 as ' ~ type ~ ')') }}
    {% endif %}
    {{ return(duckdb__cast_of_value(value, from_type, type)) }}
{% endmacro %}
