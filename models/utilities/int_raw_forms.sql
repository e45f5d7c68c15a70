-- Grain: one row per raw table, file and column with values in another form than the contract's.
{%- set date_order = policy(
    'date_order', ['day-first', 'month-first', ''], setting('date_order', '')
) %}
{%- set decimal_mark = policy(
    'decimal_mark', ['point', 'comma', ''], setting('decimal_mark', '')
) %}
{%- set doubtful = doubtful_columns() %}

with

times as (
    {{ counted_signs('time', doubtful) }}
),

-- what one column of a file shows holds for the others
times_of_files as (
    select
        *,
        sum(first_rows) over (partition by file_name) as day_first_rows,
        sum(second_rows) over (partition by file_name) as month_first_rows,
        greatest(
            worded_rows, compact_rows, seconds_rows, milliseconds_rows, serial_rows
        ) as most_others
    from times
),

time_forms as (
    select
        *,
        case
            when plain_rows >= greatest(numeric_date_rows, most_others) then 'plain'
            when numeric_date_rows >= most_others
                then case
                    when '{{ date_order }}' = 'day-first' then 'day_first'
                    when '{{ date_order }}' = 'month-first' then 'month_first'
                    when {{ are_close('day_first_rows', 'month_first_rows') }} then 'both_orders'
                    when day_first_rows > month_first_rows then 'day_first'
                    when month_first_rows > 0 then 'month_first'
                    when dotted_rows > 0 then 'day_first'
                    else 'either_order'
                end
            when worded_rows = most_others then 'words'
            when compact_rows = most_others then 'compact'
            when seconds_rows = most_others then 'epoch_seconds'
            when milliseconds_rows = most_others then 'epoch_milliseconds'
            else 'serial'
        end as form
    from times_of_files
),

numbers as (
    {{ counted_signs('number', doubtful) }}
),

numbers_of_files as (
    select
        *,
        sum(first_rows) over (partition by file_name) as file_point_rows,
        sum(second_rows) over (partition by file_name) as file_comma_rows
    from numbers
),

number_forms as (
    select
        *,
        case
            when plain_rows = filled_rows then 'plain'
            when '{{ decimal_mark }}' = 'point' then 'decimal_point'
            when '{{ decimal_mark }}' = 'comma' then 'decimal_comma'
            when {{ are_close('first_rows', 'second_rows') }} then 'both_marks'
            when first_rows > second_rows then 'decimal_point'
            when second_rows > 0 then 'decimal_comma'
            when doubtful_point_rows = 0 and doubtful_comma_rows = 0 then 'decimal_point'
            when file_point_rows > 0 and file_comma_rows = 0 then 'decimal_point'
            when file_comma_rows > 0 and file_point_rows = 0 then 'decimal_comma'
            when has_three_decimals = 1 and doubtful_comma_rows = 0 then 'decimal_point'
            else 'either_mark'
        end as form
    from numbers_of_files
),

key_signs as (
    {{ counted_signs('key', doubtful) }}
),

key_forms as (
    select
        *,
        case
            when rounded_rows > 0 then 'rounded'
            when whole_rows = filled_rows and plain_rows < filled_rows then 'whole_number'
            else 'plain'
        end as form
    from key_signs
)

{% for forms in ['time_forms', 'number_forms', 'key_forms'] -%}
select
    table_name,
    file_name,
    column_name,
    form,
    case when form <> 'plain' then example end as example
from {{ forms }}
{{- '\nunion all\n' if not loop.last }}
{%- endfor %}
