{#- What base_model() makes of one column: expressions over `raw_<column>`, the value as delivered, and
    `<column>`, the typed value. -#}


{% macro raw_value(column, types) %}
    {% set type = types.get(column.name) %}
    {% set value = adapter.quote(column.name) %}
    {% set is_time = column.data_type in ('timestamp', 'date') %}
    {% if not type %}
        {{ return('cast(null as string)') }}
    {% elif type == 'varchar' %}
        {% set is_word = column.data_type != 'string' or column.name.endswith('_id')
            or column.config.meta.accepted_values or 'currency' in column.name %}
        {#- the column itself is tested, since each test of a longer expression would work it out again -#}
        {% set empty = [] %}
        {% do empty.append(is_one_of(value, empty_words())) if is_word %}
        {% do empty.append(is_far_future(value)) if is_time %}
        {{ return('nullif(' ~ ('case when ' ~ empty | join(' or ') ~ " then '' else " ~ trimmed(value) ~ ' end'
            if empty else trimmed(value)) ~ ", '')") }}
    {% elif is_time and type.startswith(('timestamp', 'date')) %}
        {#- an end that never comes is no end -#}
        {{ return('case when ' ~ value ~ " < '2900-01-01' then " ~ value ~ ' end') }}
    {% elif type in ('double', 'float') %}
        {{ return('nullif(' ~ value ~ ", 'nan')") }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- Some systems write the day that never comes as 9999-12-31, 2999-12-31 or infinity. -#}
{% macro is_far_future(text) %}
    {{ return('(' ~ text ~ " >= '2900' and " ~ text ~ " < ':' and substr(" ~ text ~ ", 5, 1) = '-') or lower("
        ~ text ~ ") = 'infinity'") }}
{% endmacro %}


{% macro is_one_of(text, words) %}
    {% set literals = [] %}
    {% for word in words %}
        {% do literals.append(sql_text(word)) %}
    {% endfor %}
    {{ return('lower(' ~ text ~ ') in (' ~ literals | join(', ') ~ ')') }}
{% endmacro %}


{% macro cast_or_null(expression, from_type, to_type) %}
    {% if to_type == 'timestamp' and from_type in ('date', 'varchar') %}
        {{ return(utc_time_of_day(expression) if from_type == 'date'
            else utc_time_of_text(expression)) }}
    {% elif to_type == 'timestamp' and from_type in ('timestamp', 'timestamp_ns', 'timestamp_ms', 'timestamp_s') %}
        {{ return(utc_time_of_local('cast(' ~ expression ~ ' as timestamp)')) }}
    {% elif to_type == 'string' and modules.re.match('double|float|decimal', from_type or '') %}
        {#- a key stored as a number with decimals is still the key 7, not 7.0 -#}
        {{ return('coalesce(case when ' ~ expression ~ ' = floor(' ~ expression
            ~ ') then cast(try_cast(' ~ expression ~ ' as decimal(38, 0)) as string) end, cast('
            ~ expression ~ ' as string))') }}
    {% elif from_type == 'varchar' %}
        {{ return(cast_of_text(expression, to_type)) }}
    {% endif %}
    {{ return(cast_of_value(expression, from_type, to_type)) }}
{% endmacro %}


{% macro typed_value(column, types, placeholders) %}
    {% set raw = 'raw_' ~ column.name %}
    {% set default = column.config.meta.default %}
    {% set value = cast_or_null(raw, types.get(column.name), column.data_type) %}
    {% if column.name == 'customer_id' %}
        {#- an address is the same in any case; some words and numbers mean that there is no customer -#}
        {% set value = 'case when ' ~ is_one_of(value, ['anonymous'] + placeholders) ~ ' then null when contains('
            ~ value ~ ", '@') then lower(" ~ value ~ ') else ' ~ value ~ ' end' %}
    {% elif column.config.meta.accepted_values %}
        {% set value = 'lower(' ~ value ~ ')' %}
    {% elif 'currency' in column.name %}
        {% set value = 'upper(' ~ value ~ ')' %}
    {% endif %}
    {% if default == 'reporting_currency' %}
        {{ return('coalesce(' ~ value ~ ', settings.reporting_currency)') }}
    {% elif default %}
        {#- only an empty value gets the default: a value that does not fit is rejected -#}
        {{ return('case when ' ~ raw ~ ' is null then '
            ~ (sql_text(default) if column.data_type == 'string' else default)
            ~ ' else ' ~ value ~ ' end') }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{% macro is_known_word(column) %}
    {% set words = column.config.meta.accepted_values %}
    {% if not words %}
        {{ return('length(' ~ column.name ~ ') = 3') }}
    {% endif %}
    {{ return(column.name ~ ' in (' ~ words | map('tojson') | join(', ') | replace('"', "'") ~ ')') }}
{% endmacro %}


{% macro event_day(contract) %}
    {% set days = [] %}
    {% for name in contract.config.meta.event_date %}
        {% do days.append(reporting_day(name)
            if contract.columns[name].data_type == 'timestamp' else name) %}
    {% endfor %}
    {{ return(('least(' if contract.config.meta.event_is == 'first' else 'coalesce(') ~ days | join(', ') ~ ')'
        if days | length > 1 else days | first | default('cast(null as date)')) }}
{% endmacro %}


{% macro rejection_reasons(contract, types, exchange_rates, parent) %}
    {% set reasons = [] %}
    {% for column in contract.columns.values() %}
        {% set name = column.name %}
        {% set meta = column.config.meta %}
        {% if meta.required %}
            {% do reasons.append(('missing_' ~ name, 'raw_' ~ name ~ ' is null')) %}
        {% endif %}
        {#- a text always fits, except that a required customer_id may be the reserved word -#}
        {% if name in types and (column.data_type not in ('string', types[name])
                or (name == 'customer_id' and meta.required)) %}
            {% do reasons.append(
                ('invalid_' ~ name, 'raw_' ~ name ~ ' is not null and ' ~ name ~ ' is null')
            ) %}
        {% endif %}
        {#- a trillion and more is a typing error, and too wide for the calculations that follow -#}
        {% if name in types and column.data_type == 'decimal(18,2)' %}
            {% do reasons.append(('implausible_' ~ name, 'abs(' ~ name ~ ') >= 1e12')) %}
        {% endif %}
        {% if meta.accepted_values %}
            {% do reasons.append(('unknown_' ~ name, 'not ' ~ is_known_word(column))) %}
        {% endif %}
    {% endfor %}
    {% if contract.config.meta.event_date %}
        {% do reasons.append(('implausible_date', 'event_date < first_plausible_date')) %}
        {% do reasons.append(('future_dated', 'event_date > last_plausible_date')) %}
    {% endif %}
    {% do reasons.extend((contract.config.meta.reject_when or {}).items()) %}
    {% if exchange_rates %}
        {#- a row that waits for its day may wait for its exchange rate as well -#}
        {% do reasons.append(
            ('no_exchange_rate', 'event_date <= as_of_date and exchange_rate is null')
        ) %}
    {% endif %}
    {% if parent %}
        {% do reasons.append(('orphan', "order_fate = 'missing'")) %}
        {% do reasons.append(('order_rejected', "order_fate = 'rejected'")) %}
    {% endif %}
    {% set cases = [] %}
    {% for reason, condition in reasons %}
        {% do cases.append('case when ' ~ condition ~ " then '" ~ reason ~ "' end") %}
    {% endfor %}
    {{ return(cases) }}
{% endmacro %}


{% macro joined_key(contract, types, expressions) %}
    {% set parts = [] %}
    {% for name in contract.config.meta.key if name in types or contract.columns[name].config.meta.required %}
        {% do parts.append('cast(' ~ expressions[name] ~ ' as string)') %}
    {% endfor %}
    {% if parts | length == 1 %}
        {{ return(parts[0]) }}
    {% endif %}
    {{ return("coalesce(" ~ parts | join(", '') || '|' || coalesce(") ~ ", '')") }}
{% endmacro %}


{#- The words of seeds/reference/placeholder_customers.csv; none before the seed is loaded. -#}
{% macro placeholder_customers() %}
    {% set seed = ref('placeholder_customers') %}
    {% if not execute or not load_relation(seed) %}
        {{ return([]) }}
    {% endif %}
    {{ return(run_query('select lower(trim(customer_id)) from ' ~ seed ~ ' order by 1').columns[0].values() | list) }}
{% endmacro %}


{#- Counts of one pass over a table, each a list of column, category and expression, as columns of a select list. -#}
{% macro counts_as_columns(counts) %}
    {% set columns = [] %}
    {% for _, _, expression in counts %}
        {% do columns.append(expression ~ ' as count_' ~ loop.index) %}
    {% endfor %}
    {{ return(columns | join(',\n        ')) }}
{% endmacro %}


{#- The rows of a relation with such columns, each once per count: its keys, with column_name, category and raw_rows; a
    query. -#}
{% macro counts_as_rows(relation, counts, keys=[]) %}
    {% set columns = [] %}
    {% set names = [] %}
    {% for column_name, category, _ in counts %}
        {% do columns.append('count_' ~ loop.index) %}
        {% do names.append('(' ~ loop.index ~ ', ' ~ sql_text(column_name) ~ ', ' ~ sql_text(category) ~ ')') %}
    {% endfor %}
    {% set selected = [] %}
    {% for key in keys %}
        {% do selected.append('cells.' ~ key ~ ', ') %}
    {% endfor %}
    {{ return('select ' ~ selected | join ~ 'names.column_name, names.category, cells.cell as raw_rows from '
        ~ unpivoted(relation, columns) ~ ' as cells inner join (values ' ~ names | join(', ')
        ~ ') as names (count_number, column_name, category) on cells.column_number = names.count_number') }}
{% endmacro %}
