-- Grain: one row per raw table and day with an accepted event.

{%- for table_name in raw_table_names() %}
{%- set base = ref('base_' ~ table_name) %}
{%- set columns = raw_contract(table_name).columns if execute else {} %}
{#- rows with a currency have an exchange rate; the lines of an order come below -#}
{%- set size = 'abs(' ~ in_reporting_currency('amount') ~ ')'
    if 'amount' in columns and 'currency' in columns else 'cast(null as decimal(18, 2))' %}
select
    -- keys
    '{{ table_name }}' as table_name,
    event_date,

    -- counts
    count(*) as accepted_rows,

    -- amounts
    {{ as_amount('sum(' ~ size ~ ')') }} as total_amount,
    {{ in_cents('exp(avg(ln(nullif(' ~ size ~ ', 0))))') }} as typical_amount
from {{ base }}
where is_accepted and event_date is not null
group by event_date
union all
{%- endfor %}

-- a line has the day of its order
select
    'order_lines' as table_name,
    order_date as event_date,
    count(*) as accepted_rows,
    {{ as_amount('sum(abs(original_amount))') }} as total_amount,
    {{ in_cents('exp(avg(ln(nullif(abs(original_amount), 0))))') }} as typical_amount
from {{ ref('fct_order_lines') }}
group by order_date
