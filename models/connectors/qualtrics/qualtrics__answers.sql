-- Grain: one row per score in a Qualtrics response.
{%- set zone = "coalesce(zones.zone_name, " ~ sql_text(setting('raw_timezone', 'UTC')) ~ ')' %}

with

named_zones as (
    select
        raw_file_name,
        max(coalesce(
            {{ text_in('end_date', '"timeZone":"([^"]+)"', 1) }},
            {{ text_in('recorded_date', '"timeZone":"([^"]+)"', 1) }}
        )) as zone_name
    from ({{ exported('qualtrics.header_lines') }}) as header_lines
    group by raw_file_name
),

zones as (
    select
        raw_file_name,
        case when zone_name = 'Z' then 'UTC' else zone_name end as zone_name
    from named_zones
),

cells as (
    select
        *,
        coalesce(
            {{ customer_key(email='recipient_email') }},
            {{ customer_key(email='external_reference') }},
            external_reference
        ) as customer_id,
        {{ is_of_newest_file('response_id') }} as is_newest
    from ({{ exported('qualtrics.responses', cells=true) }}) as response_cells
),

answers as (
    select
        cells.source_name,
        cells.response_id,
        cells.customer_id,
        {{ moment_of_local(
            'coalesce(cells.end_date, cells.recorded_date)', zone
        ) }} as responded_at,
        cells.raw_file_name,
        questions.survey_type,
        questions.question_number,
        questions.question_text,
        questions.scale_min,
        questions.scale_max,
        questions.column_number,
        cells.cell
    from cells
    inner join {{ ref('qualtrics__questions') }} as questions
        on
            cells.raw_file_name = questions.raw_file_name
            and cells.column_name = questions.column_name
    left join zones
        on cells.raw_file_name = zones.raw_file_name
    where
        cells.is_newest
        -- previews, tests and spam are left out
        and coalesce(cells.status, '0') not in ('1', '2', '8', '9', '12', '17', '40')
        and coalesce(lower(cells.status), '') not like '%preview%'
        and coalesce(lower(cells.status), '') not like '%test%'
        and coalesce(lower(cells.status), '') not like '%spam%'
        and coalesce(cells.distribution_channel, '') <> 'preview'
),

-- the comment explains the main score of the response
ranked as (
    select
        *,
        row_number() over (
            partition by source_name, response_id, survey_type = 'comment'
            order by case when survey_type = 'nps' then 0 else 1 end, column_number
        ) as place_in_response
    from answers
)

select
    ranked.source_name,
    ranked.raw_file_name,
    ranked.response_id,
    ranked.customer_id,
    ranked.responded_at,
    ranked.survey_type,
    ranked.question_number,
    ranked.question_text,
    ranked.cell as score,
    ranked.scale_min,
    ranked.scale_max,
    comments.cell as comment
from ranked
left join ranked as comments
    on
        ranked.source_name = comments.source_name
        and ranked.response_id = comments.response_id
        and comments.survey_type = 'comment'
        and ranked.place_in_response = 1
        and comments.place_in_response = 1
where ranked.survey_type <> 'comment'
