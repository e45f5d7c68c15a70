{#- Where raw data comes from. raw_input is `sample` (the seeds of the project), `files` (CSV or Parquet in
    raw_data_dir), `tables` (schema `raw` of the warehouse), or systems whose exports are read through the models in
    models/connectors, for example `shopify,stripe`. Contract files are read beside exports, and raw tables beside
    the tables of systems. -#}


{% macro raw_table_names() %}
    {{ return([
        'customers', 'orders', 'order_lines', 'products', 'subscriptions',
        'survey_responses', 'engagement_events', 'campaigns', 'campaign_members',
        'marketing_spend', 'loyalty_memberships', 'usage_readings', 'exchange_rates',
    ]) }}
{% endmacro %}


{#- Not those of a project that has this one as a package, which may bear the same names. -#}
{% macro raw_contracts() %}
    {% set found = {} %}
    {% for id, source in graph.sources.items() if id.startswith('source.customer_lifecycle_warehouse.') %}
        {% do found.update({source.source_name ~ '.' ~ source.name: source}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- Of a table of the contract, or of an export that is named with its system: shopify.orders. -#}
{% macro raw_contract(table_name) %}
    {{ return(raw_contracts()[table_name if '.' in table_name else 'raw.' ~ table_name]) }}
{% endmacro %}


{#- What raw_input names, each word once. -#}
{% macro raw_inputs() %}
    {% set words = setting('raw_input', 'sample').split(',') | map('trim') | select | unique | list %}
    {% set known = ['sample', 'files', 'tables'] + connected_tables() | list %}
    {% set unknown = words | reject('in', known) | list %}
    {% if unknown or ('sample' in words and words | length > 1) %}
        {{ exceptions.raise_compiler_error(
            "Invalid raw_input '" ~ setting('raw_input') ~ "'. Use sample, files or tables, or one or more of "
            ~ connected_tables() | join(', ') ~ '.'
        ) }}
    {% endif %}
    {{ return(words) }}
{% endmacro %}


{% macro reads_files() %}
    {{ return('files' in raw_inputs() or export_names('files') | length > 0) }}
{% endmacro %}


{% macro reads_tables() %}
    {{ return('tables' in raw_inputs() or export_names('tables') | length > 0) }}
{% endmacro %}


{% macro raw_data(table_name) %}
    {% set parts = raw_parts(table_name) %}
    {% do add_forms(table_name, parts) %}
    {{ return(union_by_name(parts)) }}
{% endmacro %}


{#- What a table was delivered in: files of one header, a table, or the models of connectors. -#}
{% macro raw_parts(table_name) %}
    {% if table_name == 'survey_responses' and not var('surveys_enabled') %}
        {{ return([]) }}
    {% endif %}
    {% set parts = delivered_parts(table_name) + connected_parts(table_name) %}
    {% do read_custom_segments(parts) if table_name == 'customers' %}
    {% do stop_without_required_columns(table_name, parts) %}
    {{ return(parts) }}
{% endmacro %}


{#- A column of one's own is read as the column of the contract that stands for it. Another one of the contract is refused:
    it is a segment already, or may tell who somebody is. -#}
{% macro read_custom_segments(parts) %}
    {% for column, name in custom_segments().items() if name != column %}
        {% if execute and name in raw_contract('customers').columns %}
            {{ exceptions.raise_compiler_error(
                'Invalid ' ~ column ~ " '" ~ name ~ "'. It is a column of the contract: name one of your own."
            ) }}
        {% endif %}
        {% for part in parts %}
            {% for found in part.types | list if found | lower == name %}
                {% do part.types.update({column: part.types.pop(found)}) %}
                {% do part.forms.update({column: adapter.quote(found)}) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
{% endmacro %}


{% macro delivered_parts(table_name) %}
    {% set is_sample = 'sample' in raw_inputs() %}
    {#- asked for even where it is not read, because it gives the graph its edge -#}
    {% set table = ref(table_name) if is_sample else source('raw', table_name) %}
    {% set parts = [] %}
    {% if execute and reads_files() %}
        {% do parts.extend(file_groups(table_name, raw_files(table_name))) %}
    {% endif %}
    {% if execute and (is_sample or reads_tables()) %}
        {% do parts.extend(parts_of_table(table)) %}
    {% endif %}
    {{ return(parts) }}
{% endmacro %}


{% macro parts_of_table(table) %}
    {{ return([{
        'relation': table | string,
        'types': column_types(table),
        'place': table.schema ~ '.' ~ table.identifier,
        'files': none,
        'forms': {},
    }] if load_relation(table) else []) }}
{% endmacro %}


{% macro stop_without_required_columns(table_name, parts) %}
    {% set faults = [] %}
    {% for part in parts %}
        {% set fault = missing_columns(table_name, part.types | list, part.place) %}
        {% set system = system_of_header(part.types | list) if fault and part.files else '' %}
        {% if system %}
            {% do faults.append(table_name ~ ': ' ~ part.place ~ (' is an export' if part.files | length == 1
                else ' are exports') ~ ' of ' ~ system ~ '. Read it with --from ' ~ system ~ '.') %}
        {% elif fault %}
            {% do faults.append(table_name ~ ': ' ~ fault) %}
        {% endif %}
    {% endfor %}
    {% if faults %}
        {% do raw_data_error(faults) %}
    {% endif %}
{% endmacro %}


{% macro missing_columns(table_name, names, place) %}
    {% set missing = required_columns(table_name) | reject('in', names) | list %}
    {% if not missing %}
        {{ return('') }}
    {% endif %}
    {% set shown = shown_names(names, missing) %}
    {% set unknown = shown | reject('in', raw_contract(table_name).columns) | list %}
    {% set nearest = nearest_names(missing, unknown) %}
    {% set said = [] %}
    {% for name in missing %}
        {% do said.append(name ~ (' (found: ' ~ nearest[name] ~ '?)' if name in nearest else '')) %}
    {% endfor %}
    {% set is_one = missing | length == 1 %}
    {{ return(
        'the required column' ~ (' ' if is_one else 's ') ~ said | join(', ') ~ (' is' if is_one else ' are')
        ~ ' missing from ' ~ place ~ ' (found: ' ~ found_names(names, shown) ~ '). Rename or add '
        ~ ('it' if is_one else 'them') ~ ' in the delivery.'
        ~ (' The first line may be no header: then add one.' if shown | length * 2 < names | length else '')
    ) }}
{% endmacro %}


{#- Numbers and times of several types have no type in common that keeps them all. -#}
{% macro union_by_name(parts) %}
    {% set types = {} %}
    {% for part in parts %}
        {% for name, type in part.types.items() %}
            {% do types.update({name: type if types.get(name, type) == type else 'varchar'}) %}
        {% endfor %}
    {% endfor %}
    {% set has_file_name = parts | selectattr('files') | list | length > 0 or parts | length > 1 %}
    {% set selects = [] %}
    {% for part in parts %}
        {% set expressions = [] %}
        {% for name, type in types.items() %}
            {% set column = part.forms.get(name, adapter.quote(name)) %}
            {% if name not in part.types %}
                {% do expressions.append('null as ' ~ adapter.quote(name)) %}
            {% elif part.types[name] != type %}
                {% do expressions.append(
                    cast_or_null(column, part.types[name], 'string') ~ ' as ' ~ adapter.quote(name)
                ) %}
            {% else %}
                {% do expressions.append(column ~ ' as ' ~ adapter.quote(name)) %}
            {% endif %}
        {% endfor %}
        {% do expressions.append((adapter.quote(file_name_column()) if part.files else sql_text(part.place))
            ~ ' as ' ~ adapter.quote(file_name_column())) if has_file_name %}
        {% do selects.append('select ' ~ expressions | join(', ') ~ ' from ' ~ part.relation) %}
    {% endfor %}
    {% set union = '(' ~ selects | join(' union all ') ~ ')' if parts | length > 1 or (parts and parts[0].forms) %}
    {{ return({
        'relation': union or (parts[0].relation if parts else none),
        'types': types,
        'file_name': adapter.quote(file_name_column()) if has_file_name else 'cast(null as string)',
    }) }}
{% endmacro %}


{% macro raw_values(table_columns, type) %}
    {% set selects = ['select cast(null as ' ~ type ~ ') as raw_value'] %}
    {% for table_name, name in table_columns %}
        {% set raw = raw_data(table_name) %}
        {% if name in raw.types %}
            {% set value = raw_value(raw_contract(table_name).columns[name], raw.types) %}
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


{#- The tables of which a deployment needs one, and engagement events: when their rows happened. -#}
{% macro main_event_times() %}
    {{ return({
        'orders': 'ordered_at',
        'subscriptions': 'started_at',
        'survey_responses': 'responded_at',
        'engagement_events': 'occurred_at',
    }) }}
{% endmacro %}


{#- For `dbt source freshness`: files say when they were written; of a table its events tell, of which one in the
    future is a mistake. -#}
{% macro latest_arrival(table_name) %}
    {% set queries = [] %}
    {% set files = raw_files(table_name) if reads_files() else [] %}
    {% set contract = raw_contract(table_name) %}
    {% set table = api.Relation.create(contract.database, contract.schema, contract.identifier) %}
    {% set now = dbt.current_timestamp() %}
    {% do queries.append(last_modified(files)) if files %}
    {% for part in (parts_of_table(table) if reads_tables() else []) %}
        {% set column = contract.columns[main_event_times()[table_name]] %}
        {% set time = cast_or_null(
            raw_value(column, part.types), part.types.get(column.name, 'varchar'), 'timestamp'
        ) %}
        {% do queries.append('select max(' ~ time ~ ') as arrived_at from ' ~ part.relation
            ~ ' where ' ~ time ~ ' <= ' ~ now) %}
    {% endfor %}
    {% if not queries %}
        {% do log('Nothing of ' ~ table_name ~ ' was delivered as a file or a table, so it cannot be late.', info=true) %}
        {{ return('select ' ~ now) }}
    {% endif %}
    {{ return('select max(arrived_at) from (' ~ queries | join(' union all ') ~ ') as arrivals') }}
{% endmacro %}


{% macro require_main_input() %}
    {% set found = [] %}
    {% do stop_at_unreadable_exports() if execute %}
    {% if execute and raw_inputs() == ['files'] %}
        {% do warn_of_ignored_files() %}
        {% for table_name in main_inputs() if not raw_files(table_name) %}
            {% for path in raw_files(table_name, 'xls[bmx]?|ods|numbers|json|jsonl|xml|zip') %}
                {% do raw_data_error(
                    table_name ~ ': ' ~ path ~ ' is no CSV or Parquet file, and nothing else of '
                    ~ table_name ~ ' was delivered. Save a spreadsheet as CSV (UTF-8), or unpack an archive.'
                ) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {% for table_name in main_inputs() if raw_data(table_name).relation %}
        {% do found.append(table_name) %}
    {% endfor %}
    {#- the sample is there, or about to be loaded -#}
    {% if execute and not found and 'sample' not in raw_inputs() %}
        {% do raw_data_error(
            'none of ' ~ main_inputs() | join(', ') ~ ' was found in '
            ~ (raw_folder() if reads_files() else 'schema ' ~ raw_contract('orders').schema)
            ~ '. Deliver at least one, for example orders.csv.'
        ) %}
    {% endif %}
{% endmacro %}


{#- The command line recognises each of the messages by its first words. -#}
{% macro raw_data_error(messages) %}
    {% set said = [messages] if messages is string else messages %}
    {{ exceptions.raise_compiler_error('Raw data: ' ~ said | join('\nRaw data: ')) }}
{% endmacro %}
