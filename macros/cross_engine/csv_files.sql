{#- CSV files: where the header is, in which encoding, and what reads them. -#}


{#- Delimiter, place of the header and UTF-16 are found from the first lines. An engine's own detection may settle on
    a dialect in which damaged lines look whole, or skip lines to get there. -#}
{% macro csv_groups(table_name, files) %}
    {% set heads = heads_of(files, 1) %}
    {#- thousands of files have the same first line, and what it says is found out once -#}
    {% set files_by_line = {} %}
    {% for path in files %}
        {% do raw_data_error(table_name ~ ': ' ~ path ~ heads[path].fault) if heads[path].fault %}
        {% do files_by_line.setdefault(
            (heads[path].lines | first, csv_compression(path), heads[path].encoding), []
        ).append(path) %}
    {% endfor %}
    {% set files_by_header = {} %}
    {% for (line, compression, encoding), alike in files_by_line.items() %}
        {% set is_header = has_required_columns(table_name, line) %}
        {% for path in (alike[:1] if is_header else alike) %}
            {% set head = namespace(lines=[line], number=1) %}
            {% if not is_header %}
                {% set head.lines = heads_of([path], 30, {path: encoding})[path].lines %}
                {% if '.' in table_name %}
                    {% set head.lines = whole_records(head.lines) %}
                {% endif %}
                {% set head.number = csv_header_line(table_name, path, head.lines) %}
            {% endif %}
            {% set delimiter, names = csv_header(
                table_name, path, head.lines[head.number - 1] if head.lines else none, head.number
            ) %}
            {% set format = (compression, encoding, head.number - 1) %}
            {% do files_by_header.setdefault(
                (delimiter, names | join(delimiter), format), {'names': names, 'files': []}
            ).files.extend(alike if is_header else [path]) %}
            {% if head.number > 1 %}
                {% do check_skip(table_name, path, names, delimiter, format) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% set groups = [] %}
    {% for (delimiter, _, format), same in files_by_header.items() %}
        {% set types = {} %}
        {% for name in same.names %}
            {% do types.update({name: 'varchar'}) %}
        {% endfor %}
        {% do groups.append({
            'relation': read_csv(same.files, same.names, delimiter, format),
            'types': types,
            'place': some_of(same.files),
            'files': same.files,
            'forms': {},
            'csv': (same.names, delimiter, format),
        }) %}
    {% endfor %}
    {{ return(groups) }}
{% endmacro %}


{#- A Parquet file has no lines. -#}
{% macro first_lines_of(files) %}
    {% set texts = [] %}
    {% set lines = {} %}
    {% for path in files %}
        {% do lines.update({path: []}) %}
        {% do texts.append(path) if not path.lower().endswith('.parquet') %}
    {% endfor %}
    {% for path, head in heads_of(texts, 30).items() %}
        {% do lines.update({path: head.lines}) %}
    {% endfor %}
    {{ return(lines) }}
{% endmacro %}


{% macro csv_compression(path) %}
    {{ return('gzip' if path.lower().endswith('.gz') else 'none') }}
{% endmacro %}


{#- The encoding and the first lines of each file; `fault` where they cannot be read. `encodings` are those that are
    known. -#}
{% macro heads_of(files, number, encodings=none) %}
    {{ return(adapter.dispatch('heads_of', 'customer_lifecycle_warehouse')(files, number, encodings)) }}
{% endmacro %}

{% macro duckdb__heads_of(files, number, encodings=none) %}
    {% set known = duckdb__encodings(files) if encodings is none else encodings %}
    {% set heads = {} %}
    {% for path, lines in duckdb__first_lines(files, number, known).items() %}
        {% do heads.update({path: {'encoding': known.get(path, 'utf-8'), 'lines': lines}}) %}
    {% endfor %}
    {{ return(heads) }}
{% endmacro %}


{#- In UTF-16 every second byte of an English header is NUL. What comes before the first NUL is not selected, because it
    is no UTF-8. DuckDB reads the little-endian form alone. -#}
{% macro duckdb__encodings(files) %}
    {% set queries = [] %}
    {#- DuckDB ends with an internal error where it would report the third one, such as the letter of `für` -#}
    {% set readers = duckdb__readers(files, ['first', 'second', 'third'], 'chr(0)', ignore_errors=true) %}
    {% for path, reader in readers.items() %}
        {% do queries.append(
            '(select ' ~ sql_text(path) ~ ' as path, length(second) = 1 and length(third) = 1 as is_utf_16 from '
            ~ reader ~ ' limit 1)'
        ) %}
    {% endfor %}
    {% set encodings = {} %}
    {% for path, is_utf_16 in duckdb__rows_of(queries) if is_utf_16 %}
        {% do encodings.update({path: 'utf-16'}) %}
    {% endfor %}
    {{ return(encodings) }}
{% endmacro %}


{#- `encodings` names those files that are not in UTF-8. -#}
{% macro duckdb__first_lines(files, number, encodings) %}
    {% set lines = {} %}
    {% set queries = [] %}
    {% for path, reader in duckdb__readers(files, ['line'], "'\x01'", encodings).items() %}
        {% do lines.update({path: []}) %}
        {% do queries.append(
            '(select ' ~ sql_text(path) ~ ' as path, line from ' ~ reader ~ ' limit ' ~ number ~ ')'
        ) %}
    {% endfor %}
    {% for path, line in duckdb__rows_of(queries) %}
        {% do lines[path].append(line) %}
    {% endfor %}
    {{ return(lines) }}
{% endmacro %}


{#- Each query holds 4 MB of its file until all of them are done, so that few are run at once. -#}
{% macro duckdb__rows_of(queries) %}
    {% set rows = [] %}
    {% for some in queries | batch(16) %}
        {% do rows.extend(run_query(some | join(' union all ')).rows) %}
    {% endfor %}
    {{ return(rows) }}
{% endmacro %}


{#- What reads the lines of each file, cut at a delimiter. One thread reads: of several, one that is in the middle of a
    large file may be the first to have a line. -#}
{% macro duckdb__readers(files, names, delimiter, encodings={}, ignore_errors=false) %}
    {% set options = ', auto_detect = false, header = false, columns = ' ~ duckdb__text_columns(names)
        ~ ', delim = ' ~ delimiter ~ ", quote = '', escape = '', comment = '', strict_mode = false"
        ~ ', null_padding = true, buffer_size = 4000000, hive_partitioning = false, parallel = false'
        ~ ', ignore_errors = ' ~ ignore_errors | lower %}
    {% set readers = {} %}
    {% for path in files %}
        {% do readers.update({path: 'read_csv(' ~ duckdb__path(path) ~ options
            ~ ', encoding = ' ~ sql_text(encodings.get(path, 'utf-8'))
            ~ ', compression = ' ~ sql_text(csv_compression(path)) ~ ')'}) %}
    {% endfor %}
    {{ return(readers) }}
{% endmacro %}


{#- Looks at a file with lines above its header, and stops where the engine cannot take them for what they are. -#}
{% macro check_skip(table_name, path, names, delimiter, format) %}
    {{ return(adapter.dispatch('check_skip', 'customer_lifecycle_warehouse')(table_name, path, names, delimiter, format)) }}
{% endmacro %}

{#- DuckDB skips records, not lines: after a quote that is not closed it would skip the whole file. -#}
{% macro duckdb__check_skip(table_name, path, names, delimiter, format) %}
    {% set header = run_query(
        'from ' ~ duckdb__read_csv([path], names, delimiter, format, has_header=false) ~ ' limit 1'
    ).rows %}
    {% set found = [] %}
    {#- the last column is the name of the file -#}
    {% for name in ((header[0] | list)[:names | length] if header else []) %}
        {% do found.append((name or '').strip().lower() or 'column' ~ loop.index) %}
    {% endfor %}
    {% if (names_of_export(table_name, found) if '.' in table_name else found) != names %}
        {% do no_header_error(table_name, path, format[2] + 1, names) %}
    {% endif %}
{% endmacro %}


{% macro duckdb__text_columns(names) %}
    {% set columns = [] %}
    {% for name in names %}
        {% do columns.append(sql_text(name) ~ ": 'varchar'") %}
    {% endfor %}
    {{ return('{' ~ columns | join(', ') ~ '}') }}
{% endmacro %}


{#- What reads CSV files of one header, every column as text, with file_name_column(). -#}
{% macro read_csv(files, names, delimiter, format) %}
    {{ return(adapter.dispatch('read_csv', 'customer_lifecycle_warehouse')(files, names, delimiter, format)) }}
{% endmacro %}

{#- DuckDB's own detection of a compression is wrong where the name of a folder has a question mark. -#}
{% macro duckdb__read_csv(files, names, delimiter, format, has_header=true) %}
    {% set compression, encoding, skip = format %}
    {{ return('read_csv(' ~ duckdb__paths(files)
        ~ ', auto_detect = false, header = ' ~ has_header | lower ~ ', columns = '
        ~ duckdb__text_columns(names) ~ ', delim = ' ~ sql_text(delimiter)
        ~ ", quote = '\"', escape = '\"', comment = '', skip = " ~ skip
        ~ ', strict_mode = true, null_padding = false, ignore_errors = false, encoding = ' ~ sql_text(encoding)
        ~ ', compression = ' ~ sql_text(compression) ~ ', hive_partitioning = false, filename = '
        ~ sql_text(file_name_column()) ~ ')') }}
{% endmacro %}


{#- A CSV file of the project's own, read as any other. -#}
{% macro read_csv_of_texts(path, names) %}
    {{ return(read_csv([path], names, ',', (csv_compression(path), 'utf-8', 0))) }}
{% endmacro %}


{#- Looks for damaged lines where the engine does not say itself, in words and once, what is wrong with a file. -#}
{% macro stop_at_damaged_lines(table_name, part) %}
    {{ return(adapter.dispatch('stop_at_damaged_lines', 'customer_lifecycle_warehouse')(table_name, part)) }}
{% endmacro %}

{% macro default__stop_at_damaged_lines(table_name, part) %}{% endmacro %}
