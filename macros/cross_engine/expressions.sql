{% macro sql_text(value) %}
    {{ return(adapter.dispatch('sql_text', 'customer_lifecycle_warehouse')(value)) }}
{% endmacro %}

{% macro default__sql_text(value) %}
    {{ return("'" ~ value | string | replace("'", "''") ~ "'") }}
{% endmacro %}


{#- In a text of Spark a backslash announces another character. -#}
{% macro spark__sql_text(value) %}
    {{ return("'" ~ value | string | replace('\\', '\\\\') | replace("'", "''") ~ "'") }}
{% endmacro %}


{% macro joined_texts(text, order) %}
    {{ return(adapter.dispatch('joined_texts')(text, order)) }}
{% endmacro %}

{% macro duckdb__joined_texts(text, order) %}
    {{ return('string_agg(' ~ text ~ ", '; ' order by " ~ order ~ ')') }}
{% endmacro %}

{% macro spark__joined_texts(text, order) %}
    {{ return('listagg(' ~ text ~ ", '; ') within group (order by " ~ order ~ ')') }}
{% endmacro %}


{% macro not_materialized() %}
    {{ return(adapter.dispatch('not_materialized', 'customer_lifecycle_warehouse')()) }}
{% endmacro %}

{% macro default__not_materialized() %}{% endmacro %}

{% macro duckdb__not_materialized() %}
    {{ return('not materialized') }}
{% endmacro %}


{% macro materialized() %}
    {{ return(adapter.dispatch('materialized', 'customer_lifecycle_warehouse')()) }}
{% endmacro %}

{% macro default__materialized() %}{% endmacro %}

{% macro duckdb__materialized() %}
    {{ return('materialized') }}
{% endmacro %}


{% macro trimmed(text) %}
    {{ return(adapter.dispatch('trimmed', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro default__trimmed(text) %}
    {{ return('trim(' ~ text ~ ')') }}
{% endmacro %}

{% macro duckdb__trimmed(text) %}
    {#- trim() decodes every character of a text, and few texts have anything to trim. Unless it is told
        which, it removes every kind of space. -#}
    {{ return("case when starts_with(" ~ text ~ ", ' ') or ends_with(" ~ text ~ ", ' ') then trim("
        ~ text ~ ", ' ') else " ~ text ~ " end") }}
{% endmacro %}


{% macro hash_number(columns) %}
    {{ return(adapter.dispatch('hash_number', 'customer_lifecycle_warehouse')(columns)) }}
{% endmacro %}

{% macro duckdb__hash_number(columns) %}
    {{ return('hash(' ~ columns ~ ')') }}
{% endmacro %}

{#- The hash of Spark leaves out what is NULL, and with it in which column. -#}
{% macro spark__hash_number(columns) %}
    {% set values = [] %}
    {% for column in columns.split(',') %}
        {% do values.append(column | trim ~ ', ' ~ column | trim ~ ' is null') %}
    {% endfor %}
    {{ return('xxhash64(' ~ values | join(', ') ~ ')') }}
{% endmacro %}


{% macro sha256_of(text) %}
    {{ return(adapter.dispatch('sha256_of', 'customer_lifecycle_warehouse')(text)) }}
{% endmacro %}

{% macro duckdb__sha256_of(text) %}
    {{ return('sha256(' ~ text ~ ')') }}
{% endmacro %}

{% macro spark__sha256_of(text) %}
    {{ return('sha2(' ~ text ~ ', 256)') }}
{% endmacro %}


{% macro json_text(expressions) %}
    {{ return(adapter.dispatch('json_text', 'customer_lifecycle_warehouse')(expressions)) }}
{% endmacro %}

{% macro duckdb__json_text(expressions) %}
    {% set pairs = [] %}
    {% for name, expression in expressions.items() %}
        {% do pairs.append(sql_text(name) ~ ', ' ~ expression) %}
    {% endfor %}
    {{ return('cast(json_object(\n            ' ~ pairs | join(',\n            ')
        ~ '\n        ) as string)') }}
{% endmacro %}

{#- Spark leaves out what is NULL, and writes times in another way, unless it is told not to. -#}
{% macro spark__json_text(expressions) %}
    {% set pairs = [] %}
    {% for name, expression in expressions.items() %}
        {% do pairs.append(sql_text(name) ~ ', ' ~ expression) %}
    {% endfor %}
    {{ return('to_json(named_struct(\n            ' ~ pairs | join(',\n            ')
        ~ "\n        ), map('ignoreNullFields', 'false', 'timestampFormat', 'yyyy-MM-dd HH:mm:ssx', 'timestampNTZFormat',"
        ~ " 'yyyy-MM-dd HH:mm:ss'))") }}
{% endmacro %}


{% macro stop_build(message) %}
    {{ return(adapter.dispatch('stop_build', 'customer_lifecycle_warehouse')(message)) }}
{% endmacro %}

{% macro duckdb__stop_build(message) %}
    {{ return('error(' ~ message ~ ')') }}
{% endmacro %}

{% macro spark__stop_build(message) %}
    {{ return('raise_error(' ~ message ~ ')') }}
{% endmacro %}


{% macro running_median(value, window) %}
    {{ return(adapter.dispatch('running_median', 'customer_lifecycle_warehouse')(value, window)) }}
{% endmacro %}

{% macro duckdb__running_median(value, window) %}
    {{ return('median(' ~ value ~ ') over ' ~ window) }}
{% endmacro %}

{#- Spark has no median over a window with an order. Of no values it is NULL: a slice begins at 1. -#}
{% macro spark__running_median(value, window) %}
    {% set values = 'array_sort(collect_list(' ~ value ~ ') over ' ~ window ~ ')' %}
    {% set in_middle = '2 - size(' ~ values ~ ') % 2' %}
    {{ return('aggregate(slice(' ~ values ~ ', nullif(cast(floor((size(' ~ values ~ ') + 1) / 2) as integer), 0), '
        ~ in_middle ~ '), cast(0 as double), (total, one) -> total + one, total -> total / (' ~ in_middle ~ '))') }}
{% endmacro %}


{#- The last value that is not NULL over the rows of a window so far. -#}
{% macro last_not_null(value, window) %}
    {{ return(adapter.dispatch('last_not_null', 'customer_lifecycle_warehouse')(value, window)) }}
{% endmacro %}

{% macro default__last_not_null(value, window) %}
    {{ return('last_value(' ~ value ~ ') ignore nulls over ' ~ window) }}
{% endmacro %}

{% macro duckdb__last_not_null(value, window) %}
    {{ return('last_value(' ~ value ~ ' ignore nulls) over ' ~ window) }}
{% endmacro %}


{#- Only the digits of a text, without zeros in front: 0049 and +49 are the same. -#}
{% macro digits_of(text) %}
    {{ return("trim(leading '0' from " ~ without(text, '[^0-9]') ~ ')') }}
{% endmacro %}


{#- The sum of the numbers that follow a word in a text; NULL if no number does. -#}
{% macro sum_of_numbers_after(text, word) %}
    {{ return(adapter.dispatch('sum_of_numbers_after', 'customer_lifecycle_warehouse')(text, word)) }}
{% endmacro %}

{% macro duckdb__sum_of_numbers_after(text, word) %}
    {{ return('list_sum(cast(regexp_extract_all(' ~ text ~ ', ' ~ sql_text(word ~ '(-?[0-9]+[.]?[0-9]*)')
        ~ ', 1) as decimal(18, 2)[]))') }}
{% endmacro %}

{% macro spark__sum_of_numbers_after(text, word) %}
    {{ return('aggregate(regexp_extract_all(' ~ text ~ ', ' ~ sql_text(word ~ '(-?[0-9]+[.]?[0-9]*)')
        ~ ', 1), cast(null as decimal(38, 2)), (total, one) -> cast(coalesce(total, 0)'
        ~ ' + cast(one as decimal(18, 2)) as decimal(38, 2)))') }}
{% endmacro %}


{#- The rows of a relation, each repeated for some of its columns, all texts: column_number, column_name, cell. -#}
{% macro unpivoted(relation, names) %}
    {{ return(adapter.dispatch('unpivoted', 'customer_lifecycle_warehouse')(relation, names)) }}
{% endmacro %}

{% macro duckdb__unpivoted(relation, names) %}
    {% set cells = [] %}
    {% for name in names %}
        {% do cells.append(adapter.quote(name)) %}
    {% endfor %}
    {{ return('(select *, unnest(range(1, ' ~ (names | length + 1) ~ ')) as column_number, unnest('
        ~ duckdb__text_list(names) ~ ') as column_name, unnest([' ~ cells | join(', ') ~ ']) as cell from ' ~ relation
        ~ ' as wide)') }}
{% endmacro %}

{% macro spark__unpivoted(relation, names) %}
    {% set cells = [] %}
    {% for name in names %}
        {% do cells.append(loop.index ~ ', ' ~ sql_text(name) ~ ', ' ~ adapter.quote(name)) %}
    {% endfor %}
    {{ return('(select wide.*, cells.* from ' ~ relation ~ ' as wide lateral view stack(' ~ names | length ~ ', '
        ~ cells | join(', ') ~ ') cells as column_number, column_name, cell)') }}
{% endmacro %}


{#- A number of a row that is greater than those of the rows before it in its file. -#}
{% macro row_in_file() %}
    {{ return(adapter.dispatch('row_in_file', 'customer_lifecycle_warehouse')()) }}
{% endmacro %}

{% macro duckdb__row_in_file() %}
    {{ return('row_number() over ()') }}
{% endmacro %}

{% macro spark__row_in_file() %}
    {{ return('monotonically_increasing_id()') }}
{% endmacro %}


{#- Every column of a relation but some, as a select list. -#}
{% macro columns_except(names) %}
    {{ return(adapter.dispatch('columns_except', 'customer_lifecycle_warehouse')(names)) }}
{% endmacro %}

{% macro default__columns_except(names) %}
    {{ return('* except (' ~ names | join(', ') ~ ')') }}
{% endmacro %}

{% macro duckdb__columns_except(names) %}
    {{ return('* exclude (' ~ names | join(', ') ~ ')') }}
{% endmacro %}
