{#- The paths that match any of the patterns, in order. -#}
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


{#- The pattern that matches this path and no other. -#}
{% macro path_pattern(path) %}
    {{ return(modules.re.sub('([*?[])', '[\\1]', path)) }}
{% endmacro %}


{#- The files of one table in groups of the same columns. A group has `files`, `types` (lower-case
    column name -> lower-case type, in the order of the columns) and `relation`, which reads them. -#}
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


{#- A relation over groups of files, read by column name. A column on whose type they disagree is
    text: numbers and times of several types have no type in common that keeps them all. -#}
{% macro read_files(groups) %}
    {{ return(adapter.dispatch('read_files')(groups)) }}
{% endmacro %}

{% macro duckdb__read_files(groups) %}
    {% if groups | length == 1 %}
        {{ return(groups[0].relation) }}
    {% endif %}
    {% set types = {} %}
    {% for group in groups %}
        {% for name, type in group.types.items() %}
            {% do types.update({name: type if types.get(name, type) == type else 'mixed'}) %}
        {% endfor %}
    {% endfor %}
    {% set selects = [] %}
    {% for group in groups %}
        {% set expressions = [] %}
        {% for name, type in group.types.items() %}
            {% set column = adapter.quote(name) %}
            {% set is_mixed = types[name] == 'mixed' and type != 'varchar' %}
            {% do expressions.append(
                (cast_or_null(column, type, 'string') if is_mixed else column) ~ ' as ' ~ column
            ) %}
        {% endfor %}
        {% do selects.append('select ' ~ expressions | join(', ') ~ ' from ' ~ group.relation) %}
    {% endfor %}
    {{ return('(' ~ selects | join(' union all by name ') ~ ')') }}
{% endmacro %}


{#- A table of the build that is live in a folder, with `relation` and `types`; none if there is none. -#}
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


{#- Parquet files in groups of the same columns. -#}
{% macro duckdb__parquet_groups(files) %}
    {% if not files %}
        {{ return([]) }}
    {% endif %}
    {% set query %}
        select
            file_name,
            string_agg(concat_ws(' ', name, duckdb_type, num_children), ', ' order by column_id)
        from parquet_schema({{ duckdb__text_list(files) }})
        group by file_name
        order by file_name
    {% endset %}
    {% set files_by_schema = {} %}
    {% for path, schema in run_query(query).rows %}
        {% do files_by_schema.setdefault(schema, []).append(path) %}
    {% endfor %}
    {% set groups = [] %}
    {% for same in files_by_schema.values() %}
        {% set relation = 'read_parquet(' ~ duckdb__text_list(same)
            ~ ', hive_partitioning = false)' %}
        {% do groups.append({
            'files': same, 'types': column_types(relation), 'relation': relation
        }) %}
    {% endfor %}
    {{ return(groups) }}
{% endmacro %}


{#- CSV files in groups of the same columns and delimiter. Nothing but the delimiter is guessed, and
    that from the header: where DuckDB sniffs a file it may find a dialect in which damaged lines
    are whole, or skip lines to get there. -#}
{% macro duckdb__csv_groups(table_name, files) %}
    {% if not files %}
        {{ return([]) }}
    {% endif %}
    {% set queries = [] %}
    {% for path in files %}
        {% do queries.append(
            '(select ' ~ sql_text(path) ~ ' as path, line from read_csv(' ~ sql_text(path)
            ~ ", auto_detect = false, header = false, columns = {'line': 'varchar'}, delim = '\x01'"
            ~ ", quote = '', escape = '', comment = '', strict_mode = false, compression = "
            ~ duckdb__compression(path) ~ ', hive_partitioning = false) limit 1)'
        ) %}
    {% endfor %}
    {% set first_lines = {} %}
    {% for path, line in run_query(queries | join(' union all ')).rows %}
        {% do first_lines.update({path: line}) %}
    {% endfor %}
    {% set groups = {} %}
    {% for path in files %}
        {% set delimiter, names = csv_header(table_name, path, first_lines.get(path)) %}
        {% set compression = duckdb__compression(path) %}
        {% do groups.setdefault((compression, delimiter, names | join(delimiter)), {
            'compression': compression, 'delimiter': delimiter, 'names': names, 'files': []
        }).files.append(path) %}
    {% endfor %}
    {% set found = [] %}
    {% for group in groups.values() %}
        {% set types = {} %}
        {% set columns = [] %}
        {% for name in group.names %}
            {% do types.update({name: 'varchar'}) %}
            {% do columns.append(sql_text(name) ~ ": 'varchar'") %}
        {% endfor %}
        {% set relation = 'read_csv(' ~ duckdb__text_list(group.files)
            ~ ', auto_detect = false, header = true, columns = {' ~ columns | join(', ')
            ~ '}, delim = ' ~ sql_text(group.delimiter) ~ ", quote = '\"', escape = '\"'"
            ~ ", comment = '', skip = 0, strict_mode = true, null_padding = false"
            ~ ", ignore_errors = false, encoding = 'utf-8', compression = " ~ group.compression
            ~ ', hive_partitioning = false)' %}
        {% do found.append({'files': group.files, 'types': types, 'relation': relation}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- How a file is compressed; DuckDB's own guess is wrong where a folder has a question mark. -#}
{% macro duckdb__compression(path) %}
    {{ return("'gzip'" if path.endswith('.gz') else "'none'") }}
{% endmacro %}


{#- The delimiter and the column names that the first line of a CSV file says. -#}
{% macro csv_header(table_name, path, line) %}
    {% if not line or not line.strip() %}
        {% do raw_data_error(
            table_name ~ ': ' ~ path ~ ' has no header: its first line is empty. Deliver it with the'
            ~ ' names of its columns, or take it away.'
        ) %}
    {% endif %}
    {% if modules.re.search('[\x00-\x08\x0a-\x1f]', line) %}
        {% do raw_data_error(
            table_name ~ ': ' ~ path ~ ', line 1: the header has a control character. Correct the'
            ~ ' header.'
        ) %}
    {% endif %}
    {% set unquoted = modules.re.sub('"[^"]*"', '', line) %}
    {% set found = namespace(delimiter=',') %}
    {% for delimiter in [';', '\t', '|'] %}
        {% if unquoted.count(delimiter) > unquoted.count(found.delimiter) %}
            {% set found.delimiter = delimiter %}
        {% endif %}
    {% endfor %}
    {% set delimiter = found.delimiter %}
    {% set fields = modules.re.findall(
        '("(?:[^"]|"")*"|[^' ~ delimiter ~ ']*)[' ~ delimiter ~ ']', line ~ delimiter
    ) %}
    {% set names = [] %}
    {% for field in fields %}
        {% if '"' in field %}
            {#- DuckDB would read no row at all -#}
            {% if not modules.re.fullmatch('"(?:[^"]|"")*"', field) %}
                {% do raw_data_error(
                    table_name ~ ': ' ~ path ~ ', line 1: the header has a double quote that is not'
                    ~ ' closed, or text beside a quoted name. Correct the header.'
                ) %}
            {% endif %}
            {% set field = field[1:-1].replace('""', '"') %}
        {% endif %}
        {% set name = field.strip().lower() or 'column' ~ loop.index %}
        {% if name in names %}
            {% do raw_data_error(
                table_name ~ ': ' ~ path ~ ' has the column ' ~ name ~ ' twice. Take one away or'
                ~ ' rename it.'
            ) %}
        {% endif %}
        {% do names.append(name) %}
    {% endfor %}
    {{ return((delimiter, names)) }}
{% endmacro %}


{#- A CSV file of the project's own as a relation; every column is text. -#}
{% macro read_csv_of_texts(path, names) %}
    {{ return(adapter.dispatch('read_csv_of_texts')(path, names)) }}
{% endmacro %}

{% macro duckdb__read_csv_of_texts(path, names) %}
    {% set columns = [] %}
    {% for name in names %}
        {% do columns.append(sql_text(name) ~ ": 'varchar'") %}
    {% endfor %}
    {{ return('read_csv(' ~ sql_text(path_pattern(path)) ~ ', auto_detect = false, header = true, columns = {'
        ~ columns | join(', ') ~ "}, delim = ',', quote = '\"', escape = '\"', strict_mode = true)") }}
{% endmacro %}


{#- A file as a relation of one row, whose `content` is its text. -#}
{% macro text_of_file(path) %}
    {{ return(adapter.dispatch('text_of_file')(path)) }}
{% endmacro %}

{% macro duckdb__text_of_file(path) %}
    {{ return('read_text(' ~ sql_text(path_pattern(path)) ~ ')') }}
{% endmacro %}


{#- Texts as a SQL list. -#}
{% macro duckdb__text_list(values) %}
    {% set texts = [] %}
    {% for value in values %}
        {% do texts.append(sql_text(value)) %}
    {% endfor %}
    {{ return('[' ~ texts | join(', ') ~ ']') }}
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
