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
        {% if not files %}
            {{ return(none) }}
        {% endif %}
        {% set groups = file_groups(table_name, files) %}
        {% for group in groups %}
            {% do require_columns(table_name, group.types, group.files | join(', ')) %}
        {% endfor %}
        {{ return(read_files(groups)) }}
    {% elif raw_input == 'tables' %}
        {% set found = adapter.get_relation(table.database, table.schema, table.identifier) %}
        {{ return(found | string if found else none) }}
    {% endif %}
    {{ exceptions.raise_compiler_error(
        "raw_input is '" ~ raw_input ~ "'; use sample, files or tables."
    ) }}
{% endmacro %}


{#- The folder of the raw files. -#}
{% macro raw_folder() %}
    {% set folder = setting('raw_data_dir') %}
    {% if not folder %}
        {{ exceptions.raise_compiler_error(
            'raw_input is files, but no folder is named: set RAW_DATA_DIR (or --raw-data).'
        ) }}
    {% endif %}
    {{ return(folder.rstrip('/')) }}
{% endmacro %}


{#- The files of one table: orders.csv, orders_2024.parquet, everything in orders/. -#}
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


{#- Says which files of the raw folder are read into no table. -#}
{% macro warn_of_ignored_files() %}
    {% set folder = path_pattern(raw_folder()) %}
    {% set patterns = [folder ~ '/*'] %}
    {% set read = [] %}
    {% for table_name in raw_table_names() %}
        {% do patterns.append(folder ~ '/' ~ table_name ~ '/**') %}
        {% do read.extend(raw_files(table_name)) %}
    {% endfor %}
    {% set ignored = [] %}
    {% for path in list_files(patterns) if path not in read %}
        {% if not (path.split('/') | last).startswith(('.', '_')) %}
            {% do ignored.append(path) %}
        {% endif %}
    {% endfor %}
    {% if ignored %}
        {% do exceptions.warn(
            'Raw data: read into no table, because of their names: ' ~ ignored | join(', ')
            ~ '. A file is named after its table, for example orders.csv or orders_2024.parquet.'
        ) %}
    {% endif %}
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
                {% do selects.append('select ' ~ reporting_day(time) ~ ' from ' ~ raw) %}
            {% else %}
                {% do selects.append(
                    'select distinct ' ~ cast_or_null(value, from_type, type) ~ ' from ' ~ raw
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return(selects | join('\n    union all\n    ')) }}
{% endmacro %}


{#- Stops where a required column is not among the found ones. -#}
{% macro require_columns(table_name, found, place) %}
    {% for column in raw_contract(table_name).columns.values() %}
        {% if column.config.meta.required and column.name not in found %}
            {% do raw_data_error(
                table_name ~ ': the required column ' ~ column.name ~ ' is missing in ' ~ place
                ~ ' (found: ' ~ found | join(', ') ~ '). Rename or add it in the delivery.'
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#- Stops the build because the raw data cannot be used; the command line knows it by its first words. -#}
{% macro raw_data_error(message) %}
    {{ exceptions.raise_compiler_error('Raw data: ' ~ message) }}
{% endmacro %}


{#- Stops the build where none of the three main inputs was delivered. -#}
{% macro require_main_input() %}
    {% set main_inputs = ['orders', 'subscriptions', 'survey_responses'] %}
    {% set raw_input = setting('raw_input', 'sample') %}
    {% if execute and raw_input == 'files' %}
        {% do warn_of_ignored_files() %}
    {% endif %}
    {% set found = [] %}
    {% for table_name in main_inputs %}
        {% if raw_relation(table_name) %}
            {% do found.append(table_name) %}
        {% endif %}
    {% endfor %}
    {#- the sample is there, or about to be loaded -#}
    {% if execute and not found and raw_input != 'sample' %}
        {% do raw_data_error(
            'none of ' ~ main_inputs | join(', ') ~ ' was found in '
            ~ (raw_folder() if raw_input == 'files' else 'schema raw')
            ~ '. Deliver at least one, for example orders.csv.'
        ) %}
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
