{#- Paths that match any of the patterns, in order. -#}
{% macro list_files(patterns) %}
    {{ return(adapter.dispatch('list_files')(patterns)) }}
{% endmacro %}

{% macro duckdb__list_files(patterns) %}
    {% set queries = [] %}
    {% for pattern in patterns %}
        {% do queries.append("select file from glob(" ~ sql_text(pattern) ~ ")") %}
    {% endfor %}
    {% set found = run_query(queries | join(' union ') ~ ' order by file') %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}


{#- A relation over files of one table, read by column name; CSV values stay text. -#}
{% macro read_files(files) %}
    {{ return(adapter.dispatch('read_files')(files)) }}
{% endmacro %}

{% macro duckdb__read_files(files) %}
    {% set parquet = [] %}
    {% set csv = [] %}
    {% for path in files %}
        {% do (parquet if path.endswith('.parquet') else csv).append(sql_text(path)) %}
    {% endfor %}
    {% set read_parquet = 'read_parquet([' ~ parquet | join(', ') ~ '], union_by_name = true)' %}
    {% set read_csv = 'read_csv([' ~ csv | join(', ')
        ~ '], union_by_name = true, header = true, all_varchar = true)' %}
    {% if parquet and csv %}
        {{ return('(select * from ' ~ read_parquet
            ~ ' union all by name select * from ' ~ read_csv ~ ')') }}
    {% endif %}
    {{ return(read_parquet if parquet else read_csv) }}
{% endmacro %}


{#- The columns of a relation or table function: lower-case name -> lower-case type. -#}
{% macro column_types(relation) %}
    {{ return(adapter.dispatch('column_types')(relation)) }}
{% endmacro %}

{% macro duckdb__column_types(relation) %}
    {% set types = {} %}
    {% for row in run_query('describe select * from ' ~ relation).rows %}
        {% do types.update({row[0] | lower: row[1] | lower}) %}
    {% endfor %}
    {{ return(types) }}
{% endmacro %}
