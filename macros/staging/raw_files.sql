{#- The files of the raw data: which of them are read into which table, and what a CSV file's first line says. -#}


{% macro raw_folder() %}
    {% set folder = setting('raw_data_dir') %}
    {% if not folder %}
        {{ exceptions.raise_compiler_error(
            'raw_input is files, but raw_data_dir is not set. Set RAW_DATA_DIR or use --raw-data.'
        ) }}
    {% endif %}
    {{ return(folder.rstrip('/')) }}
{% endmacro %}


{% macro raw_files(table_name) %}
    {% set folder = path_pattern(raw_folder()) %}
    {% set files = [] %}
    {% for pattern, names in [
        (folder ~ '/*', table_name ~ '(_.*)?'), (folder ~ '/' ~ table_name ~ '/*', '[^.].*'),
    ] %}
        {% for path in list_files([pattern]) %}
            {% set name = path.split('/') | last %}
            {% if modules.re.fullmatch(names ~ '[.](csv|csv[.]gz|parquet)', name) %}
                {% do files.append(path) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}


{#- The readers add it. No delivered column has this name, because blanks around a name are taken away. -#}
{% macro file_name_column() %}
    {{ return(' raw_file_name') }}
{% endmacro %}


{% macro csv_header(table_name, path, line) %}
    {% if not line or not line.strip() %}
        {% do raw_data_error(
            table_name ~ ': ' ~ path ~ ' has no header: its first line is empty. Put the names of the'
            ~ ' columns there, or remove the file.'
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
                table_name ~ ': ' ~ path ~ ' has the column ' ~ name ~ ' twice. Remove or rename one'
                ~ ' of them.'
            ) %}
        {% endif %}
        {% do names.append(name) %}
    {% endfor %}
    {{ return((delimiter, names)) }}
{% endmacro %}
