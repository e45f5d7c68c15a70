{% macro list_files(patterns) %}
    {{ return(adapter.dispatch('list_files')(patterns)) }}
{% endmacro %}

{% macro duckdb__list_files(patterns) %}
    {% set queries = [] %}
    {% for pattern in patterns %}
        {% do queries.append('select file from glob(' ~ sql_text(pattern) ~ ')') %}
    {% endfor %}
    {% set found = run_query(queries | join(' union ') ~ ' order by file') %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}


{% macro path_pattern(path) %}
    {{ return(modules.re.sub('([*?[])', '[\\1]', path)) }}
{% endmacro %}


{% macro file_groups(table_name, files) %}
    {{ return(adapter.dispatch('file_groups')(table_name, files)) }}
{% endmacro %}

{% macro duckdb__file_groups(table_name, files) %}
    {% set csv = [] %}
    {% set parquet = [] %}
    {% for path in files %}
        {% do (parquet if path.endswith('.parquet') else csv).append(path) %}
    {% endfor %}
    {{ return(duckdb__csv_groups(table_name, csv) + duckdb__parquet_groups(parquet)) }}
{% endmacro %}


{% macro published_table(folder, name) %}
    {{ return(adapter.dispatch('published_table')(folder, name)) }}
{% endmacro %}

{% macro duckdb__published_table(folder, name) %}
    {% set manifest = folder ~ '/manifest.json' %}
    {% if not list_files([path_pattern(manifest)]) %}
        {{ return(none) }}
    {% endif %}
    {% set tables = run_query(
        "select unnest(json_keys(rows)) as name from read_json(" ~ sql_text(manifest)
        ~ ", columns = {rows: 'json'})"
    ) %}
    {% if name not in tables.columns[0].values() %}
        {{ return(none) }}
    {% endif %}
    {% set relation = 'read_duckdb(' ~ sql_text(folder ~ '/marts.duckdb') ~ ', table_name = '
        ~ sql_text(name) ~ ')' %}
    {{ return({'relation': relation, 'types': column_types(relation)}) }}
{% endmacro %}


{% macro duckdb__parquet_groups(files) %}
    {% set files_by_schema = {} %}
    {% if files %}
        {% set query %}
            select
                file_name,
                string_agg(concat_ws(' ', name, duckdb_type, num_children), ', ' order by column_id)
            from parquet_schema({{ duckdb__text_list(files) }})
            group by file_name
            order by file_name
        {% endset %}
        {% for path, schema in run_query(query).rows %}
            {% do files_by_schema.setdefault(schema, []).append(path) %}
        {% endfor %}
    {% endif %}
    {% set groups = [] %}
    {% for files_of_schema in files_by_schema.values() %}
        {% set relation = 'read_parquet(' ~ duckdb__text_list(files_of_schema)
            ~ ', hive_partitioning = false' %}
        {% do groups.append({
            'relation': relation ~ ', filename = ' ~ sql_text(file_name_column()) ~ ')',
            'types': column_types(relation ~ ')'),
            'has_file_name': true,
            'place': files_of_schema | join(', '),
        }) %}
    {% endfor %}
    {{ return(groups) }}
{% endmacro %}


{#- Only the delimiter is inferred, from the header. DuckDB's own detection may settle on a dialect in which
    damaged lines look whole, or skip lines to get there. One thread reads the header: of several, one that is
    in the middle of a large file may be the first to have a line. -#}
{% macro duckdb__csv_groups(table_name, files) %}
    {% set queries = [] %}
    {% for path in files %}
        {% do queries.append(
            '(select ' ~ sql_text(path) ~ ' as path, line from read_csv(' ~ sql_text(path)
            ~ ", auto_detect = false, header = false, columns = {'line': 'varchar'}, delim = '\x01'"
            ~ ", quote = '', escape = '', comment = '', strict_mode = false, compression = "
            ~ duckdb__compression(path) ~ ', hive_partitioning = false, parallel = false) limit 1)'
        ) %}
    {% endfor %}
    {% set first_lines = {} %}
    {% for path, line in (run_query(queries | join(' union all ')).rows if queries else []) %}
        {% do first_lines.update({path: line}) %}
    {% endfor %}
    {% set files_by_header = {} %}
    {% for path in files %}
        {% set delimiter, names = csv_header(table_name, path, first_lines.get(path)) %}
        {% do files_by_header.setdefault(
            (duckdb__compression(path), delimiter, names | join(delimiter)), {'names': names, 'files': []}
        ).files.append(path) %}
    {% endfor %}
    {% set groups = [] %}
    {% for (compression, delimiter, _), same in files_by_header.items() %}
        {% set types = {} %}
        {% for name in same.names %}
            {% do types.update({name: 'varchar'}) %}
        {% endfor %}
        {% do groups.append({
            'relation': duckdb__read_csv(same.files, same.names, delimiter, compression),
            'types': types,
            'has_file_name': true,
            'place': same.files | join(', '),
        }) %}
    {% endfor %}
    {{ return(groups) }}
{% endmacro %}


{% macro duckdb__read_csv(files, names, delimiter, compression) %}
    {% set columns = [] %}
    {% for name in names %}
        {% do columns.append(sql_text(name) ~ ": 'varchar'") %}
    {% endfor %}
    {{ return('read_csv(' ~ duckdb__text_list(files)
        ~ ', auto_detect = false, header = true, columns = {' ~ columns | join(', ')
        ~ '}, delim = ' ~ sql_text(delimiter) ~ ", quote = '\"', escape = '\"'"
        ~ ", comment = '', skip = 0, strict_mode = true, null_padding = false"
        ~ ", ignore_errors = false, encoding = 'utf-8', compression = " ~ compression
        ~ ', hive_partitioning = false, filename = ' ~ sql_text(file_name_column()) ~ ')') }}
{% endmacro %}


{#- DuckDB's own detection is wrong where the name of a folder has a question mark. -#}
{% macro duckdb__compression(path) %}
    {{ return("'gzip'" if path.endswith('.gz') else "'none'") }}
{% endmacro %}


{% macro read_csv_of_texts(path, names) %}
    {{ return(adapter.dispatch('read_csv_of_texts')(path, names)) }}
{% endmacro %}

{% macro duckdb__read_csv_of_texts(path, names) %}
    {{ return(duckdb__read_csv([path_pattern(path)], names, ',', duckdb__compression(path))) }}
{% endmacro %}


{% macro text_of_file(path) %}
    {{ return(adapter.dispatch('text_of_file')(path)) }}
{% endmacro %}

{% macro duckdb__text_of_file(path) %}
    {{ return('read_text(' ~ sql_text(path_pattern(path)) ~ ')') }}
{% endmacro %}


{% macro duckdb__text_list(values) %}
    {% set texts = [] %}
    {% for value in values %}
        {% do texts.append(sql_text(value)) %}
    {% endfor %}
    {{ return('[' ~ texts | join(', ') ~ ']') }}
{% endmacro %}


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
