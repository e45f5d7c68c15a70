{#- How an export is recognised: by the names in its header, whatever its file is called. -#}


{% macro names_of_export(export, names) %}
    {% set columns = {} %}
    {% for column in raw_contract(export).columns.values() %}
        {% for name in [column.name] + (column.config.meta.names or []) %}
            {% do columns.setdefault(plain_name(name), column.name) %}
        {% endfor %}
    {% endfor %}
    {#- of several names of a column in one header, the one that its source lists first -#}
    {% set plain_names = {} %}
    {% for given in names %}
        {% do plain_names.update({plain_name(given): true}) %}
    {% endfor %}
    {% set counted = {} %}
    {% for name, column in columns.items() if name in plain_names %}
        {% do counted.setdefault(column, name) %}
    {% endfor %}
    {% set own_names = [] %}
    {% set found = {} %}
    {% set counts = {} %}
    {% for given in names %}
        {#- a name is quoted in SQL -#}
        {% set name = given | replace('"', "'") %}
        {% set column = columns.get(plain_name(name)) %}
        {% set known = column if column and counted[column] == plain_name(name) else name %}
        {#- surveys have several columns of one name, such as `Other` -#}
        {% set times = counts.get(given, 0) if plain_name(name) not in columns else 0 %}
        {% do counts.update({given: counts.get(given, 0) + 1}) %}
        {% set said = (name ~ ' ' ~ (times + 1) if times else name) if times or known in found else known %}
        {% do found.update({said: true}) %}
        {% do own_names.append(said) %}
    {% endfor %}
    {{ return(own_names) }}
{% endmacro %}


{#- The lines of a file, with those that a name in quotes runs over as one: the text of a question may have several. -#}
{% macro whole_records(lines) %}
    {% set records = [] %}
    {% set open = namespace(lines=[]) %}
    {% for line in lines %}
        {% do open.lines.append(line or '') %}
        {% set record = open.lines | join(' ') %}
        {% if record.count('"') % 2 == 0 %}
            {% do records.append(record) %}
            {% set open.lines = [] %}
        {% endif %}
    {% endfor %}
    {{ return(records + ([open.lines | join(' ')] if open.lines else [])) }}
{% endmacro %}


{#- A regular expression for each export, which the header of such an export matches, and few other lines. -#}
{% macro headers_of(exports) %}
    {% set headers = {} %}
    {% for export in exports %}
        {% set words = [] %}
        {% for column in raw_contract(export).columns.values() if column.config.meta.required %}
            {% set names = [] %}
            {% for name in [column.name] + (column.config.meta.names or []) %}
                {% do names.append(modules.re.escape(plain_name(name))) %}
            {% endfor %}
            {% do words.append('(?=.*(' ~ names | join('|') ~ '))') %}
        {% endfor %}
        {% do headers.update({export: words | join}) %}
    {% endfor %}
    {{ return(headers) }}
{% endmacro %}


{% macro is_export(headers, lines) %}
    {% for line in whole_records(lines) %}
        {% set plain = plain_name(line) %}
        {% for export, header in headers.items() if modules.re.match(header, plain) %}
            {% if has_required_columns(export, line) %}
                {{ return(true) }}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {{ return(false) }}
{% endmacro %}


{#- The system that a header is of, whether its exports are read or not; empty where none is known. -#}
{% macro system_of_header(names) %}
    {% for source in raw_contracts().values() if source.source_name != 'raw' %}
        {% set export = source.source_name ~ '.' ~ source.name %}
        {% set required = required_columns(export) %}
        {% if required and not required | reject('in', names_of_export(export, names)) | list
            and not is_of_tables(source.source_name) %}
            {{ return(source.source_name) }}
        {% endif %}
    {% endfor %}
    {{ return('') }}
{% endmacro %}
