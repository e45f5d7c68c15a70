-- Grain: one row per raw table, column and category, with one per column and one per table.

{%- for table_name in raw_table_names() %}
{%- set base = ref('base_' ~ table_name) %}
{%- set columns = raw_contract(table_name).columns.values() if execute else [] %}
select
    -- keys
    '{{ table_name }}' as table_name,
    'any' as column_name,
    'any' as category,

    -- counts
    count(*) as raw_rows
from {{ base }}
{%- for column in columns %}
union all
select
    '{{ table_name }}' as table_name,
    '{{ column.name }}' as column_name,
    'any' as category,
    count({{ column.name }}) as raw_rows
from {{ base }}
{#- only words of the contract and currencies, which identify no one. Any other word may have been
    typed by anyone, so it is only counted. -#}
{%- if column.config.meta.accepted_values or 'currency' in column.name %}
{%- set category %}case
        when {{ is_known_word(column) }} then {{ column.name }}
        else 'no such word'
    end
{%- endset %}
union all
select
    '{{ table_name }}' as table_name,
    '{{ column.name }}' as column_name,
    {{ category }} as category,
    count(*) as raw_rows
from {{ base }}
where {{ column.name }} is not null
group by {{ category }}
{%- endif %}
{%- endfor %}
{{ 'union all' if not loop.last }}
{%- endfor %}
