{#- Where raw data comes from. raw_input is `sample` (the project's seeds), `files` (CSV or Parquet
    in raw_data_dir) or `tables` (schema `raw` of the warehouse). -#}

{#- What a base model selects from, as text, or none where an optional table was not delivered. -#}
{% macro raw_relation(table_name) %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {% if raw_input == 'sample' %}
        {% set seed = ref(table_name) %}
        {% set found = load_relation(seed) if execute %}
        {{ return(seed | string if found else none) }}
    {% endif %}

    {% set table = source('raw', table_name) %}
    {% if not execute %}
        {{ return(none) }}
    {% elif raw_input == 'files' %}
        {% set files = raw_files(table_name) %}
        {{ return(read_files(files) if files else none) }}
    {% elif raw_input == 'tables' %}
        {% set found = adapter.get_relation(table.database, table.schema, table.identifier) %}
        {{ return(found | string if found else none) }}
    {% endif %}
    {{ exceptions.raise_compiler_error(
        "raw_input is '" ~ raw_input ~ "'; use sample, files or tables."
    ) }}
{% endmacro %}


{#- The files of one table: orders.csv, orders_2024.parquet, everything in orders/. -#}
{% macro raw_files(table_name) %}
    {% set folder = setting('raw_data_dir') %}
    {% if not folder %}
        {{ exceptions.raise_compiler_error(
            'raw_input is files, but no folder is named: set RAW_DATA_DIR (or --raw-data).'
        ) }}
    {% endif %}
    {% set folder = folder.rstrip('/') %}
    {% set pattern = '(' ~ table_name ~ '(_[^/]*)?|' ~ table_name ~ '/[^/]*)[.](csv|csv[.]gz|parquet)' %}
    {% set files = [] %}
    {% for path in list_files([folder ~ '/*', folder ~ '/' ~ table_name ~ '/*']) %}
        {% if modules.re.fullmatch(pattern, path[folder | length + 1:]) %}
            {% do files.append(path) %}
        {% endif %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}


{#- The contract of one raw table, from the source YAML: its columns, in order, and its meta. -#}
{% macro raw_contract(table_name) %}
    {% set found = graph.sources.values()
        | selectattr('source_name', 'equalto', 'raw')
        | selectattr('name', 'equalto', table_name) | list %}
    {{ return(found[0]) }}
{% endmacro %}


{#- Where the data of a table was looked for, for messages. -#}
{% macro raw_place(table_name) %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {% if raw_input == 'files' %}
        {{ return(raw_files(table_name) | join(', ')) }}
    {% endif %}
    {{ return('seeds/sample' if raw_input == 'sample' else 'raw.' ~ table_name) }}
{% endmacro %}


{#- The values of some raw columns, stacked into `raw_value`: each `string` once, or the `date` of every
    time; what does not fit is NULL. -#}
{% macro raw_values(table_columns, type) %}
    {% set selects = ['select cast(null as ' ~ type ~ ') as raw_value'] %}
    {% for table_name, column_name in table_columns %}
        {% set raw = raw_relation(table_name) %}
        {% set types = column_types(raw) if execute and raw else {} %}
        {% if column_name in types %}
            {% set value = raw_value(column_name, types) %}
            {% set from_type = types[column_name] %}
            {% if type == 'date' %}
                {% set time = cast_or_null(value, from_type, 'timestamp') %}
                {% do selects.append('select ' ~ day_of(value, time, from_type) ~ ' from ' ~ raw) %}
            {% else %}
                {% do selects.append(
                    'select distinct ' ~ cast_or_null(value, from_type, type) ~ ' from ' ~ raw
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return(selects | join('\n    union all\n    ')) }}
{% endmacro %}


{#- Stops the build where none of the three main inputs was delivered. -#}
{% macro require_main_input() %}
    {% set main_inputs = ['orders', 'subscriptions', 'survey_responses'] %}
    {% set found = [] %}
    {% for table_name in main_inputs %}
        {% if raw_relation(table_name) %}
            {% do found.append(table_name) %}
        {% endif %}
    {% endfor %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {#- the sample is there, or about to be loaded -#}
    {% if execute and not found and raw_input != 'sample' %}
        {{ exceptions.raise_compiler_error(
            'Nothing to build from: none of ' ~ main_inputs | join(', ') ~ ' was found in '
            ~ (setting('raw_data_dir') if raw_input == 'files' else 'schema raw')
            ~ '. Deliver at least one, for example orders.csv.'
        ) }}
    {% endif %}
{% endmacro %}


{#- The tables of the raw contract, in its order. -#}
{% macro raw_table_names() %}
    {{ return([
        'customers', 'orders', 'order_lines', 'products', 'subscriptions',
        'survey_responses', 'engagement_events', 'campaigns', 'campaign_members',
        'marketing_spend', 'loyalty_memberships', 'usage_readings', 'exchange_rates',
    ]) }}
{% endmacro %}
