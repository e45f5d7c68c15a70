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


{#- The columns a relation or table function has: lower-case name -> type. -#}
{% macro describe_columns(relation) %}
    {{ return(adapter.dispatch('describe_columns')(relation)) }}
{% endmacro %}

{% macro duckdb__describe_columns(relation) %}
    {% set columns = {} %}
    {% for row in run_query('describe select * from ' ~ relation).rows %}
        {% do columns.update({row[0] | lower: {'name': row[0], 'type': row[1] | lower}}) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}
