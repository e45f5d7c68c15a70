-- Grain: one row per raw table, column and category, with one per column and one per table.

{#- What is counted of each table: [column, category, expression]. Only words of the contract and
    currencies are named, which identify no one. Any other word may have been typed by anyone, so it
    is only counted. -#}
{%- set counted = {} %}
{%- for table_name in raw_table_names() %}
{%- do ref('base_' ~ table_name) %}
{%- set counts = [['any', 'any', 'count(*)']] %}
{%- for column in (raw_contract(table_name).columns.values() if execute else []) %}
{%- do counts.append([column.name, 'any', 'count(' ~ column.name ~ ')']) %}
{%- for word in column.config.meta.accepted_values or [] %}
{%- set count = 'count(case when ' ~ column.name ~ " = '" ~ word ~ "' then 1 end)" %}
{%- do counts.append([column.name, word, count]) %}
{%- endfor %}
{%- if column.config.meta.accepted_values or 'currency' in column.name %}
{%- set count = 'count(case when not ' ~ is_known_word(column) ~ ' then 1 end)' %}
{%- do counts.append([column.name, 'no such word', count]) %}
{%- endif %}
{%- endfor %}
{%- do counted.update({table_name: counts}) %}
{%- endfor %}

with

-- one pass over each table
{% for table_name, counts in counted.items() -%}
{{ table_name }}_counted as (
    select
        {{ counts_as_columns(counts) }}
    from {{ ref('base_' ~ table_name) }}
),

{% endfor -%}
counts as (
    {%- for table_name, counts in counted.items() %}
    select
        '{{ table_name }}' as table_name,
        column_name,
        category,
        raw_rows
    from (
        {{ counts_as_rows(table_name ~ '_counted', counts) }}
    ) as {{ table_name }}_counts
    where category = 'any' or raw_rows > 0
    {%- for column in (raw_contract(table_name).columns.values() if execute else []) %}
    {%- if 'currency' in column.name and not column.config.meta.accepted_values %}
    union all
    select
        '{{ table_name }}' as table_name,
        '{{ column.name }}' as column_name,
        {{ column.name }} as category,
        count(*) as raw_rows
    from {{ ref('base_' ~ table_name) }}
    where {{ is_known_word(column) }}
    group by {{ column.name }}
    {%- endif %}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    table_name,
    column_name,
    category,

    -- counts
    raw_rows
from counts
