-- Grain: one row per raw table.

with

-- counted in the raw data itself, so that a row lost on the way is noticed
raw_counts as (
    {%- for table_name in raw_table_names() %}
    {%- set raw = raw_data(table_name).relation %}
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
        count(case when is_accepted then 1 end) as accepted_rows,
        count(case when is_superseded then 1 end) as superseded_rows,
        count(case when is_conflicting then 1 end) as conflicting_rows,
        count(case when is_held_back then 1 end) as held_back_rows,
        count(rejection_reasons) as rejected_rows
    from {{ ref('base_' ~ table_name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    raw_counts.table_name,

    -- counts
    raw_counts.raw_rows,
    fates.accepted_rows,
    fates.superseded_rows,
    fates.rejected_rows,
    fates.held_back_rows,

    -- part of the superseded rows
    fates.conflicting_rows
from raw_counts
inner join fates
    on raw_counts.table_name = fates.table_name
