-- Grain: one row per score in a Typeform response.
{%- set questions = ref('typeform__questions') %}
{%- do stop_without_questions('typeform', questions) %}

with

cells as (
    select
        *,
        {{ is_of_newest_file('response_id') }} as is_newest
    from ({{ exported('typeform.responses', cells=true) }}) as response_cells
),

answers as (
    select
        cells.source_name,
        cells.response_id,
        cells.customer_id,
        cells.email,
        {{ moment_of_local(
            'coalesce(cells.submit_date, cells.stage_date, cells.start_date)', "'UTC'"
        ) }} as responded_at,
        cells.column_name,
        cells.column_number,
        cells.cell,
        questions.survey_type,
        questions.question_number,
        questions.scale_min,
        questions.scale_max,
        case
            when questions.survey_type in ('comment', 'email') then questions.survey_type
            else 'score'
        end as purpose
    from cells
    inner join {{ questions }} as questions
        on
            cells.raw_file_name = questions.raw_file_name
            and cells.column_name = questions.column_name
    where
        cells.is_newest
        and (questions.survey_type <> 'email' or cells.cell like '%@%')
),

-- the comment explains the main score of the response
ranked as (
    select
        *,
        row_number() over (
            partition by source_name, response_id, purpose
            order by case when survey_type = 'nps' then 0 else 1 end, column_number
        ) as place_in_response
    from answers
),

scores as (
    select
        ranked.*,
        coalesce(ranked.email, addresses.cell) as address,
        comments.cell as comment
    from ranked
    left join ranked as addresses
        on
            ranked.source_name = addresses.source_name
            and ranked.response_id = addresses.response_id
            and addresses.purpose = 'email'
            and addresses.place_in_response = 1
    left join ranked as comments
        on
            ranked.source_name = comments.source_name
            and ranked.response_id = comments.response_id
            and comments.purpose = 'comment'
            and ranked.place_in_response = 1
            and comments.place_in_response = 1
    where ranked.purpose = 'score'
)

select
    {{ source_key('response_id') }} || '-' || survey_type
    || case when question_number > 1 then '-' || question_number else '' end as response_id,
    coalesce(
        {{ customer_key(email='address') }}, {{ customer_key(email='customer_id') }}, customer_id
    ) as customer_id,
    survey_type,
    responded_at,
    -- staging rejects a score that is not a number
    cell as score,
    scale_min,
    scale_max,
    comment,
    column_name as touchpoint
from scores
