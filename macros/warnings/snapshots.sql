{#- Subscriptions that older files list and the newest does not, though it repeats at least half of what the one before
    it lists: a query with one row for each. Files belong together if their names differ by digits alone, such as those
    of a date. -#}
{% macro left_out_of_snapshots() %}
    with

    files as (
        select
            series,
            raw_file_name,
            count(*) over (partition by series) as files_of_series,
            row_number() over (
                partition by series
                order by raw_file_name desc
            ) as age
        from (
            select distinct
                raw_file_name,
                translate(raw_file_name, '0123456789', '0000000000') as series
            from {{ ref('base_subscriptions') }}
            where raw_file_name is not null
        ) as named
    ),

    listed as (
        select
            files.series,
            rows_delivered.subscription_id,
            max(case when files.age = 1 then 1 else 0 end) as is_in_newest,
            max(case when files.age = 2 then 1 else 0 end) as is_in_previous
        from {{ ref('base_subscriptions') }} as rows_delivered
        inner join files on rows_delivered.raw_file_name = files.raw_file_name
        where files.files_of_series > 1 and rows_delivered.subscription_id is not null
        group by files.series, rows_delivered.subscription_id
    ),

    snapshots as (
        select series
        from listed
        group by series
        having
            sum(is_in_previous) > 0
            and 2 * sum(is_in_newest * is_in_previous) >= sum(is_in_previous)
    )

    select listed.subscription_id
    from listed
    inner join snapshots on listed.series = snapshots.series
    group by listed.subscription_id
    having max(listed.is_in_newest) = 0
{% endmacro %}
