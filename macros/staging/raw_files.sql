{#- The files of the raw data: which of them are read into which table, and where the header of a CSV file is. -#}


{% macro raw_folder() %}
    {% set folder = setting('raw_data_dir') %}
    {% if not folder %}
        {{ exceptions.raise_compiler_error(
            'raw_input is files, but raw_data_dir is not set. Set RAW_DATA_DIR or use --raw-data.'
        ) }}
    {% endif %}
    {{ return(folder.rstrip('/')) }}
{% endmacro %}


{#- Case matters neither in the name of a file nor in that of a table's folder. An export of a system that is read is no
    file of the contract, whatever its name. -#}
{% macro raw_files(table_name, suffixes='(csv|tsv|txt)([.]gz)?|parquet') %}
    {% set folder = raw_folder() %}
    {% set files = [] %}
    {% set files_of_folder = [] %}
    {% for path in list_files([path_pattern(folder) ~ '/*', table_folder(table_name) ~ '/*']) %}
        {% set inside = path[folder | length + 1:] %}
        {% set names = '[^.].*' if '/' in inside else table_name ~ '(_.*)?' %}
        {% if modules.re.fullmatch('(?s)' ~ names ~ '[.](' ~ suffixes ~ ')', inside.split('/') | last | lower) %}
            {% do (files_of_folder if '/' in inside else files).append(path) %}
        {% endif %}
    {% endfor %}
    {% do files.extend(files_of_folder) %}
    {% set exports = export_names('files') %}
    {% if files and exports %}
        {% set headers = headers_of(exports) %}
        {% set contract_files = [] %}
        {% for path, lines in first_lines_of(files).items() if not is_export(headers, lines) %}
            {% do contract_files.append(path) %}
        {% endfor %}
        {{ return(contract_files) }}
    {% endif %}
    {{ return(files) }}
{% endmacro %}


{#- The readers add it. No delivered column has this name, because blanks around a name are taken away. -#}
{% macro file_name_column() %}
    {{ return(' raw_file_name') }}
{% endmacro %}


{% macro table_folder(table_name) %}
    {% set letters = [] %}
    {% for letter in table_name %}
        {% do letters.append('[' ~ letter ~ letter | upper ~ ']') %}
    {% endfor %}
    {{ return(path_pattern(raw_folder()) ~ '/' ~ letters | join) }}
{% endmacro %}


{% macro required_columns(table_name) %}
    {{ return(
        raw_contract(table_name).columns.values()
            | selectattr('config.meta.required', 'true') | map(attribute='name') | list
    ) }}
{% endmacro %}


{% macro has_required_columns(table_name, line) %}
    {{ return(required_columns(table_name) | reject('in', csv_names(line, table_name)[1]) | list == []) }}
{% endmacro %}


{#- The header is the first line, or the one line of the first ones that has all required columns where those
    above it have none. A line that only looks like it is named, and nothing is read. -#}
{% macro csv_header_line(table_name, path, lines) %}
    {% set required = required_columns(table_name) %}
    {% set contract = [] %}
    {% for name in raw_contract(table_name).columns %}
        {% do contract.append(plain_name(name)) %}
    {% endfor %}
    {% set whole = [] %}
    {% set above = namespace(has_none=true) %}
    {% set likely = namespace(number=1, known=0) %}
    {% for line in lines %}
        {% set names = csv_names(line, table_name)[1] %}
        {% if has_required_columns(table_name, line) %}
            {% do whole.append(loop.index) %}
        {% elif not whole and names | select('in', required) | list %}
            {% set above.has_none = false %}
        {% endif %}
        {% set known = namespace(count=0) %}
        {% for name in names %}
            {% if plain_name(name) in contract %}
                {% set known.count = known.count + 1 %}
            {% endif %}
        {% endfor %}
        {% if known.count > likely.known and (loop.first or known.count > 1) %}
            {% set likely.number = loop.index %}
            {% set likely.known = known.count %}
        {% endif %}
    {% endfor %}
    {% if whole | length == 1 and above.has_none %}
        {{ return(whole[0]) }}
    {% endif %}
    {% if likely.number > 1 %}
        {% do no_header_error(table_name, path, likely.number, csv_names(lines[likely.number - 1], table_name)[1]) %}
    {% endif %}
    {{ return(1) }}
{% endmacro %}


{% macro no_header_error(table_name, path, number, names) %}
    {% set missing = missing_columns(table_name, names, 'line ' ~ number) %}
    {% do raw_data_error(
        table_name ~ ': ' ~ path ~ ', line 1 is no header; line ' ~ number ~ ' looks like it. Take '
        ~ ('line 1' if number == 2 else 'lines 1 to ' ~ (number - 1)) ~ ' away.'
        ~ (' Also, ' ~ missing if missing else '')
    ) %}
{% endmacro %}


{% macro plain_name(name) %}
    {{ return(modules.re.sub('[\\s_.-]', '', name | lower)) }}
{% endmacro %}


{#- A field may be no more than a part of a name; csv_header() tells. -#}
{% macro csv_fields(line) %}
    {% set unquoted = modules.re.sub('"[^"]*"', '', line) %}
    {% set found = namespace(delimiter=',') %}
    {% for delimiter in [';', '\t', '|'] %}
        {% if unquoted.count(delimiter) > unquoted.count(found.delimiter) %}
            {% set found.delimiter = delimiter %}
        {% endif %}
    {% endfor %}
    {% set delimiter = found.delimiter %}
    {{ return((delimiter, modules.re.findall(
        '("(?:[^"]|"")*"|[^' ~ delimiter ~ ']*)[' ~ delimiter ~ ']', line ~ delimiter
    ))) }}
{% endmacro %}


{#- The columns of an export have names of ours: `Created at` is created_at. -#}
{% macro csv_names(line, table_name) %}
    {% set delimiter, fields = csv_fields(line or '') %}
    {% set names = [] %}
    {% for field in fields %}
        {% if modules.re.fullmatch('"(?:[^"]|"")*"', field) %}
            {% set field = field[1:-1].replace('""', '"') %}
        {% endif %}
        {% do names.append(field.strip().lower() or 'column' ~ loop.index) %}
    {% endfor %}
    {{ return((delimiter, names_of_export(table_name, names) if '.' in table_name else names)) }}
{% endmacro %}


{% macro csv_header(table_name, path, line, number=1) %}
    {% set place = table_name ~ ': ' ~ path %}
    {% if not line or not line.strip() %}
        {% do raw_data_error(
            place ~ ' has no header: its first line is empty. Put the names of the columns there, or remove'
            ~ ' the file.'
        ) %}
    {% endif %}
    {% set place_of_line = place ~ ', line ' ~ number %}
    {% if modules.re.search('[\x00-\x08\x0a-\x1f]', line) %}
        {% do raw_data_error(
            place_of_line ~ ': the header has a control character. Correct the header.'
        ) %}
    {% endif %}
    {% for field in csv_fields(line)[1] %}
        {#- DuckDB would read no row at all -#}
        {% if '"' in field and not modules.re.fullmatch('"(?:[^"]|"")*"', field) %}
            {% do raw_data_error(
                place_of_line ~ ': the header has a double quote that is not closed, or text beside a'
                ~ ' quoted name. Correct the header.'
            ) %}
        {% endif %}
    {% endfor %}
    {% set delimiter, names = csv_names(line, table_name) %}
    {% if not has_required_columns(table_name, line) and has_required_columns(table_name, names[0]) %}
        {% do raw_data_error(
            place_of_line ~ ': The line is quoted as one field, as spreadsheets save a table that is in one'
            ~ ' column. Split that column there, and save it as CSV again.'
        ) %}
    {% endif %}
    {% set known = {} %}
    {% for name in names %}
        {% if name in known %}
            {% set is_shown = has_required_columns(table_name, line) or name in shown_names([name], []) %}
            {% do raw_data_error(
                place ~ ' has the column ' ~ (name ~ ' twice' if is_shown
                else known[name] ~ ' again as column ' ~ loop.index) ~ '. Remove or rename one of them.'
            ) %}
        {% endif %}
        {% do known.update({name: loop.index}) %}
    {% endfor %}
    {{ return((delimiter, names)) }}
{% endmacro %}
