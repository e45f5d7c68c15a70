-- Grain: one row per raw table.

with

-- counted in the raw data itself, so that a row lost on the way shows
raw_counts as (
    {%- for table_name in raw_table_names() %}
    {%- set raw = raw_relation(table_name) %}
    select
        '{{ table_name }}' as table_name,
        {{ 'count(*)' if raw else '0' }} as raw_rows
    {{ 'from ' ~ raw if raw }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

fates as (
    {%- for table_name in raw_table_names() %}
    select
        '{{ table_name }}' as table_name,
        row_fate,
        count(*) as fated_rows
    from {{ ref('base_' ~ table_name) }}
    group by row_fate
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    raw_counts.table_name,

    -- counts
    raw_counts.raw_rows,
    {%- for fate in ['accepted', 'superseded', 'rejected', 'held_back'] %}
    cast(coalesce(sum(
        case when fates.row_fate = '{{ fate }}' then fates.fated_rows end
    ), 0) as bigint) as {{ fate }}_rows{{ ',' if not loop.last }}
    {%- endfor %}
from raw_counts
left join fates
    on raw_counts.table_name = fates.table_name
group by raw_counts.table_name, raw_counts.raw_rows
