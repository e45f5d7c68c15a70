{#- How the exports of systems are read. models/connectors/<system>/_<system>.yml describes each export as a dbt
    source; the models beside it turn exports into tables of the contract.
    config.meta of an export: main: true (the system cannot be read without one of these; of tables, without all),
    rows (a condition on the values as delivered; other lines are no rows). config.meta of a column: names (its other
    names in headers, of which the first that is there counts; blanks, dots, hyphens, underscores and case never
    matter), required (a header is recognised by these), local (of a timestamp: the clock of a zone that the model
    knows, which raw_timezone does not move). -#}


{#- Systems that a connector service copies into the warehouse, each into a schema. -#}
{% macro is_of_tables(system) %}
    {{ return(system.startswith('fivetran_')) }}
{% endmacro %}


{#- The exports of the systems in use that are files, or tables, each with its system: shopify.orders. -#}
{% macro export_names(kind) %}
    {% set found = [] %}
    {% set systems = raw_inputs() | select('in', connected_tables()) | list %}
    {% for source in (raw_contracts().values() if execute and systems else []) %}
        {% if source.source_name in systems and is_of_tables(source.source_name) == (kind == 'tables') %}
            {% do found.append(source.source_name ~ '.' ~ source.name) %}
        {% endif %}
    {% endfor %}
    {{ return(found | sort) }}
{% endmacro %}


{#- Files of text in the folder of the raw data, and in the folders in it. What is hidden is a copy or no export, such
    as .ipynb_checkpoints/orders.csv. -#}
{% macro text_files() %}
    {% set folder = raw_folder() %}
    {% set pattern = path_pattern(folder) %}
    {% set name = '[^./][^/]*' %}
    {% set files = [] %}
    {% for path in list_files([pattern ~ '/*', pattern ~ '/*/*']) %}
        {% if modules.re.fullmatch(
            '(?is)(/' ~ name ~ ')?/' ~ name ~ '[.](csv|tsv|txt)([.]gz)?', path[folder | length:]
        ) %}
            {% do files.append(path) %}
        {% endif %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}


{% macro export_files(export) %}
    {% set found = [] %}
    {% set headers = headers_of([export]) %}
    {% for path, lines in first_lines_of(text_files()).items() if is_export(headers, lines) %}
        {% do found.append(path) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- What an export was delivered in, with the number of each row in its files. -#}
{% macro export_parts(export) %}
    {% set system, name = export.split('.') %}
    {% set parts = parts_of_export_table(export, source(system, name)) if is_of_tables(system)
        else file_groups(export, export_files(export)) %}
    {% set condition = raw_contract(export).config.meta.rows %}
    {% for part in parts %}
        {% do part.update({
            'relation': '(select * from (select *, ' ~ row_in_file() ~ ' as file_row from ' ~ part.relation
                ~ ') as numbered' ~ (' where ' ~ condition if condition else '') ~ ')',
            'types': dict(part.types, file_row='bigint'),
        }) %}
    {% endfor %}
    {{ return(parts) }}
{% endmacro %}


{#- A table of a connector service with the names of ours, as the header of a file gets them. A time without a zone is
    one of UTC there, whatever raw_timezone says of files. -#}
{% macro parts_of_export_table(export, table) %}
    {% set parts = parts_of_table(table) %}
    {% for part in parts %}
        {% set found = part.types %}
        {% set types = {} %}
        {% set columns = [] %}
        {% for name in names_of_export(export, found | list) %}
            {% set own_name = (found | list)[loop.index0] %}
            {% set is_zoneless = modules.re.fullmatch('timestamp(_n?s|_ms)?', found[own_name]) %}
            {% set value = adapter.quote(own_name) %}
            {% do columns.append((moment_of_utc('cast(' ~ value ~ ' as timestamp)') if is_zoneless else value)
                ~ ' as ' ~ adapter.quote(name)) %}
            {% do types.update({name: 'timestamp with time zone' if is_zoneless else found[own_name]}) %}
        {% endfor %}
        {% do part.update({
            'relation': '(select ' ~ columns | join(', ') ~ ' from ' ~ part.relation ~ ')', 'types': types,
        }) %}
    {% endfor %}
    {{ return(parts) }}
{% endmacro %}


{#- A query of an export: the columns that its source describes, typed, NULL where the delivery lacks one. Times are
    moments. Also source_name (the folder of the file, else the system), raw_file_name and file_row.
    With cells, each row is repeated for every other column in which it has a text: column_number, column_name (in
    small letters) and cell. -#}
{% macro exported(export, cells=false) %}
    {% set system, name = export.split('.') %}
    {% set relation = source(system, name) %}
    {% set placeholders = placeholder_customers() %}
    {% do ref('int_raw_forms') %}
    {% if execute %}
    {% set parts = export_parts(export) %}
    {% do add_forms(export, parts) if not is_of_tables(system) %}
    {% set raw = union_by_name(parts) %}
    {% set columns = raw_contract(export).columns.values() | list %}
    {% set others = raw.types | reject('in', raw_contract(export).columns) | reject('equalto', 'file_row') | list %}
        select
            {%- for column in columns %}
            {%- set value = typed_value(column, raw.types, placeholders) %}
            {%- if column.config.meta.local %}
            {%- set value = local_time('raw_' ~ column.name) %}
            {%- elif column.data_type == 'timestamp' %}
            {%- set value = moment_of_utc(value) %}
            {%- endif %}
            {{ value }} as {{ column.name }},
            {%- endfor %}
            {%- if cells %}
            column_number,
            column_name,
            cell,
            {%- endif %}
            {{ source_of_file(system, 'raw_file_name') }} as source_name,
            raw_file_name,
            file_row
        from (
            select
                {%- for column in columns %}
                {{ raw_value(column, raw.types) }} as raw_{{ column.name }},
                {%- endfor %}
                {%- if cells %}
                {{ 'column_number' if others else 'cast(null as integer)' }} as column_number,
                {{ 'column_name' if others else 'cast(null as string)' }} as column_name,
                {{ "nullif(trim(cell), '')" if others else 'cast(null as string)' }} as cell,
                {%- endif %}
                {{ raw.file_name }} as raw_file_name,
                {{ 'file_row' if parts else '0' }} as file_row
            {%- set relation = unpivoted(raw.relation, others) if cells and others else raw.relation %}
            {{ 'from ' ~ relation ~ ' as files' if parts else 'where false' }}
        ) as delivered
        {{ 'where cell is not null' if cells }}
    {%- endif %}
{% endmacro %}


{#- Two shops may number alike, so each has a folder, whose name is part of its keys. -#}
{% macro source_of_file(system, file) %}
    {% set name = sql_text(system.replace('fivetran_', '')) %}
    {% if is_of_tables(system) %}
        {{ return(name) }}
    {% endif %}
    {% set path = 'substr(' ~ file ~ ', ' ~ (raw_folder() | length + 2) ~ ')' %}
    {{ return('case when contains(' ~ path ~ ", '/') then split_part(" ~ path ~ ", '/', 1) else " ~ name ~ ' end') }}
{% endmacro %}
