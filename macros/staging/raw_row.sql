{#- What base_model() says about one raw row: its values, its key, its reasons for rejection. Each
    macro returns expressions over `raw_<column>`, the value as delivered, and `<column>`, typed. -#}


{#- Stops where a required column is missing, and says which columns are ignored. -#}
{% macro check_raw_columns(table_name, types, columns) %}
    {% do require_columns(table_name, types, raw_place(table_name)) %}
    {% set ignored = types.keys() | reject('in', columns | map(attribute='name') | list) | list %}
    {% if ignored %}
        {% do exceptions.warn(
            table_name ~ ': not in the contract, so ignored: ' ~ ignored | join(', ')
        ) %}
    {% endif %}
{% endmacro %}


{#- A raw value as delivered; text without the blanks around it, an empty text as NULL. -#}
{% macro raw_value(name, types) %}
    {% if name not in types %}
        {{ return('cast(null as string)') }}
    {% elif types[name] == 'varchar' %}
        {{ return("nullif(" ~ trimmed(adapter.quote(name)) ~ ", '')") }}
    {% endif %}
    {{ return(adapter.quote(name)) }}
{% endmacro %}


{#- An expression of one type in another; NULL where it does not fit. -#}
{% macro cast_or_null(expression, from_type, to_type) %}
    {% if to_type == 'integer' %}
        {#- a cast alone would round 6.5 to 7 without a word -#}
        {{ return('case when try_cast(' ~ expression ~ ' as double) = try_cast(' ~ expression
            ~ ' as integer) then try_cast(' ~ expression ~ ' as integer) end') }}
    {% elif to_type == 'timestamp' and from_type in ('date', 'varchar') %}
        {{ return(utc_time_of_day(expression) if from_type == 'date'
            else utc_time_of_text(expression)) }}
    {% elif to_type == 'string' and modules.re.match('double|float|decimal', from_type or '') %}
        {#- a key stored as a number with decimals is still the key 7, not 7.0 -#}
        {{ return('coalesce(case when ' ~ expression ~ ' = floor(' ~ expression
            ~ ') then cast(try_cast(' ~ expression ~ ' as decimal(38, 0)) as string) end, cast('
            ~ expression ~ ' as string))') }}
    {% endif %}
    {{ return('try_cast(' ~ expression ~ ' as ' ~ to_type ~ ')') }}
{% endmacro %}


{#- A raw value in the type of the contract; NULL where it does not fit. -#}
{% macro typed_value(column, types) %}
    {% set raw = 'raw_' ~ column.name %}
    {% set meta = column.config.meta %}
    {% set value = cast_or_null(raw, types.get(column.name), column.data_type) %}
    {% if column.name == 'customer_id' %}
        {#- the reserved word means that there is no customer -#}
        {% set value = "nullif(" ~ value ~ ", 'anonymous')" %}
    {% elif meta.accepted_values %}
        {% set value = 'lower(' ~ value ~ ')' %}
    {% elif 'currency' in column.name %}
        {% set value = 'upper(' ~ value ~ ')' %}
    {% endif %}
    {% if meta.default == 'reporting_currency' %}
        {{ return('coalesce(' ~ value ~ ', settings.reporting_currency)') }}
    {% elif meta.default %}
        {#- only an empty value has a default: one that does not fit is rejected -#}
        {% set default = sql_text(meta.default) if column.data_type == 'string' else meta.default %}
        {{ return('case when ' ~ raw ~ ' is null then ' ~ default ~ ' else ' ~ value ~ ' end') }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{#- The day of a row's event; NULL for a table without events. -#}
{% macro event_day(contract) %}
    {% set days = [] %}
    {% for name in contract.config.meta.event_date %}
        {% do days.append(reporting_day(name)
            if contract.columns[name].data_type == 'timestamp' else name) %}
    {% endfor %}
    {{ return('coalesce(' ~ days | join(', ') ~ ', null)' if days else 'cast(null as date)') }}
{% endmacro %}


{#- The key of a raw row as one text, typed so that 1 and 01.0 are the same line number. Parts are
    joined by `|`, one inside a part is escaped, and a missing part counts as empty. -#}
{% macro row_key(contract, types) %}
    {% set parts = [] %}
    {% for name in contract.config.meta.key %}
        {% set column = contract.columns[name] %}
        {% set value = typed_value(column, types) %}
        {% if contract.config.meta.key | length == 1 %}
            {{ return(value) }}
        {% elif column.data_type == 'string' %}
            {% set value = "replace(replace(" ~ value ~ ", " ~ sql_text('\\') ~ ", "
                ~ sql_text('\\\\') ~ "), '|', " ~ sql_text('\\|') ~ ")" %}
        {% endif %}
        {% do parts.append("coalesce(cast(" ~ value ~ " as string), '')") %}
    {% endfor %}
    {{ return(parts | join(" || '|' || ")) }}
{% endmacro %}


{#- Whether the typed value of a column with fixed words is one of them; a currency is three letters. -#}
{% macro is_known_word(column) %}
    {% set words = column.config.meta.accepted_values %}
    {% if not words %}
        {{ return('length(' ~ column.name ~ ') = 3') }}
    {% endif %}
    {{ return(column.name ~ ' in ('
        ~ words | map('tojson') | join(', ') | replace('"', "'") ~ ')') }}
{% endmacro %}


{#- A column that holds the value as delivered: the typed one where typing changes nothing, so that
    few columns are carried twice. -#}
{% macro delivered_value(column, types) %}
    {% set meta = column.config.meta %}
    {% set is_changed = meta.accepted_values or meta.default or 'currency' in column.name
        or column.name == 'customer_id' %}
    {% set is_of_type = types.get(column.name) == column.data_type
        or (types.get(column.name) == 'varchar' and column.data_type == 'string') %}
    {{ return(column.name if is_of_type and not is_changed else 'raw_' ~ column.name) }}
{% endmacro %}


{#- The key of a rejected row, as delivered, or what is left of it once the person is erased. -#}
{% macro raw_key(contract, types, is_erased=false) %}
    {% set parts = [] %}
    {% for name in contract.config.meta.key %}
        {% set column = contract.columns[name] %}
        {% set value = delivered_value(column, types) %}
        {% do parts.append(
            'cast(' ~ (value_of_the_erased(column, value) if is_erased else value) ~ ' as string)'
        ) %}
    {% endfor %}
    {% if parts | length == 1 %}
        {{ return(parts[0]) }}
    {% endif %}
    {{ return("coalesce(" ~ parts | join(", '') || '|' || coalesce(") ~ ", '')") }}
{% endmacro %}


{#- One expression per way a row can fail: the reason, or NULL. -#}
{% macro rejection_reasons(contract, types, exchange_rates, parent) %}
    {% set reasons = [] %}
    {% for column in contract.columns.values() %}
        {% set name = column.name %}
        {#- of the texts only a customer_id can fail: by being the reserved word -#}
        {% set can_fail = name in types and (
            column.data_type not in ('string', types[name])
            or (name == 'customer_id' and column.config.meta.required)
        ) %}
        {% if column.config.meta.required %}
            {% do reasons.append(
                "case when raw_" ~ name ~ " is null then 'missing_" ~ name ~ "' end"
            ) %}
        {% endif %}
        {% if can_fail %}
            {% do reasons.append("case when raw_" ~ name ~ " is not null and " ~ name
                ~ " is null then 'invalid_" ~ name ~ "' end") %}
        {% endif %}
        {#- money of a trillion and more is a typing error, and too wide for what follows -#}
        {% if column.data_type == 'decimal(18,2)' and name in types %}
            {% do reasons.append(
                "case when abs(" ~ name ~ ") >= 1e12 then 'implausible_" ~ name ~ "' end"
            ) %}
        {% endif %}
        {% if column.config.meta.accepted_values %}
            {% do reasons.append("case when " ~ name ~ " not in ("
                ~ column.config.meta.accepted_values | map('tojson') | join(', ') | replace('"', "'")
                ~ ") then 'unknown_" ~ name ~ "' end") %}
        {% endif %}
    {% endfor %}
    {% if contract.config.meta.event_date %}
        {% do reasons.append(
            "case when event_date < first_plausible_date then 'implausible_date'"
            ~ " when event_date > last_plausible_date then 'future_dated' end"
        ) %}
    {% endif %}
    {% for reason, condition in (contract.config.meta.reject_when or {}).items() %}
        {% do reasons.append("case when " ~ condition ~ " then '" ~ reason ~ "' end") %}
    {% endfor %}
    {% if exchange_rates %}
        {#- a row that waits may wait for its rate as well -#}
        {% do reasons.append(
            "case when event_date <= as_of_date and exchange_rate is null"
            ~ " then 'no_exchange_rate' end"
        ) %}
    {% endif %}
    {% if parent %}
        {% do reasons.append(
            "case order_fate when 'missing' then 'orphan'"
            ~ " when 'rejected' then 'order_rejected' end"
        ) %}
    {% endif %}
    {{ return(reasons) }}
{% endmacro %}


{#- The raw row as JSON, by the names of the contract, or what is left of it once the person is erased. -#}
{% macro raw_row_as_json(contract, types, is_erased=false) %}
    {% set expressions = {} %}
    {% for column in contract.columns.values() %}
        {% set value = delivered_value(column, types) %}
        {% do expressions.update({
            column.name: value_of_the_erased(column, value) if is_erased else value
        }) %}
    {% endfor %}
    {{ return(json_text(expressions)) }}
{% endmacro %}
