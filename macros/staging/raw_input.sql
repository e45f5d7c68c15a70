{#- Where raw data comes from. raw_input is `sample` (the seeds of the project), `files` (CSV or Parquet in
    raw_data_dir) or `tables` (schema `raw` of the warehouse). -#}


{% macro raw_table_names() %}
    {{ return([
        'customers', 'orders', 'order_lines', 'products', 'subscriptions',
        'survey_responses', 'engagement_events', 'campaigns', 'campaign_members',
        'marketing_spend', 'loyalty_memberships', 'usage_readings', 'exchange_rates',
    ]) }}
{% endmacro %}


{% macro raw_contract(table_name) %}
    {% set found = graph.sources.values()
        | selectattr('source_name', 'equalto', 'raw')
        | selectattr('name', 'equalto', table_name) | list %}
    {{ return(found[0]) }}
{% endmacro %}


{% macro raw_data(table_name) %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {% if raw_input not in ('sample', 'files', 'tables') %}
        {{ exceptions.raise_compiler_error(
            "Invalid raw_input '" ~ raw_input ~ "'. Use sample, files or tables."
        ) }}
    {% endif %}
    {#- asked for even where it is not read, because it gives the graph its edge -#}
    {% set table = ref(table_name) if raw_input == 'sample' else source('raw', table_name) %}
    {% set parts = [] %}
    {% if execute and raw_input == 'files' %}
        {% do parts.extend(file_groups(table_name, raw_files(table_name))) %}
    {% elif execute and load_relation(table) %}
        {% do parts.append({
            'relation': table | string,
            'types': column_types(table),
            'place': table.schema ~ '.' ~ table.identifier,
        }) %}
    {% endif %}
    {% for part in parts %}
        {% for column in raw_contract(table_name).columns.values() %}
            {% if column.config.meta.required and column.name not in part.types %}
                {% do raw_data_error(
                    table_name ~ ': the required column ' ~ column.name ~ ' is missing from '
                    ~ part.place ~ ' (found: ' ~ part.types | join(', ')
                    ~ '). Rename or add it in the delivery.'
                ) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {{ return(union_by_name(parts)) }}
{% endmacro %}


{#- Numbers and times of several types have no type in common that keeps them all. -#}
{% macro union_by_name(parts) %}
    {% set types = {} %}
    {% for part in parts %}
        {% for name, type in part.types.items() %}
            {% do types.update({name: type if types.get(name, type) == type else 'varchar'}) %}
        {% endfor %}
    {% endfor %}
    {% set selects = [] %}
    {% for part in parts %}
        {% set expressions = [] %}
        {% for name, type in types.items() %}
            {% set column = adapter.quote(name) %}
            {% if name not in part.types %}
                {% do expressions.append('null as ' ~ column) %}
            {% elif part.types[name] != type %}
                {% do expressions.append(
                    cast_or_null(column, part.types[name], 'string') ~ ' as ' ~ column
                ) %}
            {% else %}
                {% do expressions.append(column) %}
            {% endif %}
        {% endfor %}
        {% if part.has_file_name %}
            {% do expressions.append(adapter.quote(file_name_column())) %}
        {% endif %}
        {% do selects.append('select ' ~ expressions | join(', ') ~ ' from ' ~ part.relation) %}
    {% endfor %}
    {% set union = '(' ~ selects | join(' union all ') ~ ')' if parts | length > 1 %}
    {{ return({
        'relation': union or (parts[0].relation if parts else none),
        'types': types,
        'file_name': adapter.quote(file_name_column()) if parts and parts[0].has_file_name
            else 'cast(null as string)',
    }) }}
{% endmacro %}


{% macro raw_values(table_columns, type) %}
    {% set selects = ['select cast(null as ' ~ type ~ ') as raw_value'] %}
    {% for table_name, name in table_columns %}
        {% set raw = raw_data(table_name) %}
        {% if name in raw.types %}
            {% set value = raw_value(name, raw.types) %}
            {% if type == 'date' %}
                {% set time = cast_or_null(value, raw.types[name], 'timestamp') %}
                {% do selects.append('select ' ~ reporting_day(time) ~ ' from ' ~ raw.relation) %}
            {% else %}
                {% do selects.append('select distinct '
                    ~ cast_or_null(value, raw.types[name], type) ~ ' from ' ~ raw.relation) %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return(selects | join('\n    union all\n    ')) }}
{% endmacro %}


{% macro require_main_input() %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {% set found = [] %}
    {% if execute and raw_input == 'files' %}
        {% do warn_of_ignored_files() %}
    {% endif %}
    {% for table_name in main_inputs() if raw_data(table_name).relation %}
        {% do found.append(table_name) %}
    {% endfor %}
    {#- the sample is there, or about to be loaded -#}
    {% if execute and not found and raw_input != 'sample' %}
        {% do raw_data_error(
            'none of ' ~ main_inputs() | join(', ') ~ ' was found in '
            ~ (raw_folder() if raw_input == 'files' else 'schema raw')
            ~ '. Deliver at least one, for example orders.csv.'
        ) %}
    {% endif %}
{% endmacro %}


{#- The command line recognises the error by its first words. -#}
{% macro raw_data_error(message) %}
    {{ exceptions.raise_compiler_error('Raw data: ' ~ message) }}
{% endmacro %}
