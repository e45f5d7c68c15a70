{% macro staging_model(table_name, is_monetary=false, waits_for_findings=true) %}
{% set base = ref('base_' ~ table_name) %}
{% if waits_for_findings %}
-- depends_on: {{ ref('int_raw_findings') }}
{% endif %}
{% if execute %}
select
    {%- for column in raw_contract(table_name).columns.values() %}
    {%- if column.config.meta.restricted %}
    {{ column.name }} is not null as has_{{ column.name }},
    {%- else %}
    {{ column.name }},
    {%- endif %}
    {%- endfor %}
    {%- if is_monetary %}
    exchange_rate,
    {%- endif %}
    event_date
from {{ base }}
where is_accepted
{% endif %}
{% endmacro %}
