-- Grain: one row per raw table, day, column and category that occurs.

{#- What is counted of each table with events: [column, category, expression].
    A row without a required value is rejected; exchange rates have nothing to fill. -#}
{%- set counted = {} %}
{%- for table_name in raw_table_names() %}
{%- do ref('base_' ~ table_name) %}
{%- set contract = raw_contract(table_name) if execute else {} %}
{%- if contract.config.meta.event_date and table_name != 'exchange_rates' %}
{%- set counts = [
    ['any', 'any', 'count(*)'], ['any', 'rejected', 'count(rejection_reasons)']
] %}
{%- for column in contract.columns.values() %}
{%- if not column.config.meta.required %}
{%- do counts.append([column.name, 'any', 'count(' ~ column.name ~ ')']) %}
{%- endif %}
{%- for word in column.config.meta.accepted_values or [] %}
{%- set count = 'count(case when ' ~ column.name ~ " = '" ~ word ~ "' then 1 end)" %}
{%- do counts.append([column.name, word, count]) %}
{%- endfor %}
{%- endfor %}
{%- do counted.update({table_name: counts}) %}
{%- endif %}
{%- endfor %}

with

horizon as (
    select
        as_of_date as last_date,
        {{ days_after('as_of_date', -var('profiled_days')) }} as first_date
    from {{ ref('int_run_settings') }}
),

-- one pass over each table: what follows reads a row per day
{% for table_name, counts in counted.items() -%}
{{- table_name }}_by_day as {{ materialized() }} (
    select
        base.event_date,
        {{ counts_as_columns(counts) }}
    from {{ ref('base_' ~ table_name) }} as base
    cross join horizon
    where
        base.event_date between horizon.first_date and horizon.last_date
        and not base.is_superseded
    group by base.event_date
),

{% endfor -%}
day_counts as (
    {%- for table_name, counts in counted.items() %}
    select
        '{{ table_name }}' as table_name,
        event_date,
        column_name,
        category,
        raw_rows
    from (
        {{ counts_as_rows(table_name ~ '_by_day', counts, ['event_date']) }}
    ) as {{ table_name }}_counts
    union all
    {%- if raw_contract(table_name).columns.currency %}
    select
        '{{ table_name }}' as table_name,
        base.event_date,
        'currency' as column_name,
        base.currency as category,
        count(*) as raw_rows
    from {{ ref('base_' ~ table_name) }} as base
    cross join horizon
    where
        base.event_date between horizon.first_date and horizon.last_date
        and not base.is_superseded
        and {{ is_known_word(raw_contract(table_name).columns.currency) }}
    group by base.event_date, base.currency
    union all
    {%- endif %}
    {%- endfor %}
    -- before the contract is known, this is all
    select
        cast(null as string) as table_name,
        last_date as event_date,
        cast(null as string) as column_name,
        cast(null as string) as category,
        cast(0 as bigint) as raw_rows
    from horizon
)

select
    -- keys
    table_name,
    event_date,
    column_name,
    category,

    -- counts
    raw_rows
from day_counts
where raw_rows > 0
