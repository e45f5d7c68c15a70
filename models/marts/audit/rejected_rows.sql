-- Grain: one row per rejected raw row.

{%- for table_name in raw_table_names() %}
select
    -- keys
    '{{ table_name }}' as table_name,
    row_number() over (order by raw_key nulls last, raw_row) as reject_number,
    raw_key as row_key,

    -- words
    rejection_reasons
from {{ ref('base_' ~ table_name) }}
where rejection_reasons is not null
{{ 'union all' if not loop.last }}
{%- endfor %}
