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
),

fate_counts as (
    select
        table_name,
        sum(case when row_fate = 'accepted' then fated_rows else 0 end) as accepted_rows,
        sum(case when row_fate = 'superseded' then fated_rows else 0 end)
            as superseded_rows,
        sum(case when row_fate = 'rejected' then fated_rows else 0 end) as rejected_rows,
        sum(case when row_fate = 'held_back' then fated_rows else 0 end) as held_back_rows
    from fates
    group by table_name
)

select
    -- keys
    raw_counts.table_name,

    -- counts
    raw_counts.raw_rows,
    cast(coalesce(fate_counts.accepted_rows, 0) as bigint) as accepted_rows,
    cast(coalesce(fate_counts.superseded_rows, 0) as bigint) as superseded_rows,
    cast(coalesce(fate_counts.rejected_rows, 0) as bigint) as rejected_rows,
    cast(coalesce(fate_counts.held_back_rows, 0) as bigint) as held_back_rows
from raw_counts
left join fate_counts
    on raw_counts.table_name = fate_counts.table_name
