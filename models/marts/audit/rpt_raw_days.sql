-- Grain: one row per raw table and day with an accepted event.

{%- for table_name in raw_table_names() %}
select
    -- keys
    '{{ table_name }}' as table_name,
    event_date,

    -- counts
    count(*) as accepted_rows
from {{ ref('base_' ~ table_name) }}
where is_accepted and event_date is not null
group by event_date
{{ 'union all' if not loop.last }}
{%- endfor %}
