{#- What stops a build from exports: one line for each fault. -#}


{#- Stops where a system has no export that it needs, or where an export has a value that cannot be read. -#}
{% macro stop_at_unreadable_exports() %}
    {% set faults = [] %}
    {% for system in raw_inputs() if system in connected_tables() %}
        {% set delivered = [] %}
        {% set missing = [] %}
        {% for export in export_names('tables' if is_of_tables(system) else 'files')
            if export.startswith(system ~ '.') %}
            {% set parts = export_parts(export) %}
            {% if raw_contract(export).config.meta.main %}
                {% do (delivered if parts else missing).append(export) %}
            {% endif %}
            {% if parts and not is_of_tables(system) %}
                {% do add_forms(export, parts) %}
                {% do faults.extend(unreadable_values(export, parts)) %}
            {% endif %}
        {% endfor %}
        {% if missing and (is_of_tables(system) or not delivered) %}
            {% do faults.append(missing_export(system, missing)) %}
        {% endif %}
    {% endfor %}
    {% if faults %}
        {% do raw_data_error(faults) %}
    {% endif %}
{% endmacro %}


{% macro unreadable_values(export, parts) %}
    {% set raw = union_by_name(parts) %}
    {% set counts = [] %}
    {% set values = [raw.file_name ~ ' as raw_file_name'] %}
    {% set typed = [] %}
    {% for column in raw_contract(export).columns.values() if raw.types.get(column.name) == 'varchar'
        and column.data_type != 'string' %}
        {% set is_unreadable = 'raw_' ~ column.name ~ ' is not null and '
            ~ typed_value(column, raw.types, []) ~ ' is null' %}
        {% do typed.append(column) %}
        {% do values.append(raw_value(column, raw.types) ~ ' as raw_' ~ column.name) %}
        {% do counts.append('count(case when ' ~ is_unreadable ~ ' then 1 end)') %}
        {% do counts.append('min(case when ' ~ is_unreadable ~ ' then raw_' ~ column.name ~ ' end)') %}
        {% do counts.append('min(case when ' ~ is_unreadable ~ ' then raw_file_name end)') %}
    {% endfor %}
    {% set faults = [] %}
    {% if typed %}
        {% set row = run_query('select ' ~ counts | join(', ') ~ ' from (select ' ~ values | join(', ') ~ ' from '
            ~ raw.relation ~ ' as files) as delivered').rows[0] %}
        {% for column in typed %}
            {% set rows, value, file = row[3 * loop.index0], row[3 * loop.index0 + 1], row[3 * loop.index0 + 2] %}
            {% do faults.append(
                export ~ ': ' ~ file ~ ': ' ~ rows ~ ' value' ~ (' ' if rows == 1 else 's ') ~ 'of '
                ~ column.name | replace('_', ' ') ~ (' is' if rows == 1 else ' are') ~ ' not a '
                ~ ('time' if column.data_type in ('timestamp', 'date') else 'number'
                    if column.data_type != 'boolean' else 'yes or no')
                ~ ', written like ' ~ form_of_value(value) ~ '. Export it again, and do not save it in a spreadsheet.'
            ) if rows %}
        {% endfor %}
    {% endif %}
    {{ return(faults) }}
{% endmacro %}


{% macro missing_export(system, exports) %}
    {% if is_of_tables(system) %}
        {% set relation = source(system, exports[0].split('.')[1]) %}
        {{ return(system ~ ': the warehouse has no table ' ~ relation.schema ~ '.' ~ relation.identifier ~ '.') }}
    {% endif %}
    {% set nearest = namespace(missing=none, path='') %}
    {% for path, lines in first_lines_of(text_files()).items() %}
        {% for line in lines %}
            {% for export in exports %}
                {% set required = required_columns(export) %}
                {% set missing = required | reject('in', csv_names(line, export)[1]) | list %}
                {% if missing | length * 2 <= required | length
                    and (nearest.missing is none or missing | length < nearest.missing | length) %}
                    {% set nearest.missing = missing %}
                    {% set nearest.path = path %}
                {% endif %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {% set said = [] %}
    {% for export in exports %}
        {% do said.append(export.split('.')[1] | replace('_', ' ') ~ ', whose header has '
            ~ required_columns(export) | join(', ') | replace('_', ' ')) %}
    {% endfor %}
    {{ return(
        system ~ ': no export of ' ~ said | join(', or of ') ~ ', is in ' ~ raw_folder() ~ '.'
        ~ (' ' ~ nearest.path ~ ' lacks ' ~ nearest.missing | join(', ') | replace('_', ' ') ~ '.'
            if nearest.missing else '')
    ) }}
{% endmacro %}
