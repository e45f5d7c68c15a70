-- Grain: one row per question that a person was asked, or answered, in Qualtrics.
{%- set questions = ref('qualtrics__questions') %}
{%- do stop_without_questions('qualtrics', questions) %}

with

invitations as (
    select * from {{ ref('qualtrics__invitations') }}
),

answers as (
    select * from {{ ref('qualtrics__answers') }}
),

files_of_surveys as (
    select distinct
        invitations.source_name,
        invitations.survey_id,
        answers.raw_file_name
    from invitations
    inner join answers
        on
            invitations.source_name = answers.source_name
            and invitations.response_id = answers.response_id
),

-- what an invitation asks is known from the answers to others of its survey
asked as (
    select
        invitations.source_name,
        invitations.invitation_id,
        questions.survey_type,
        questions.question_number,
        max(questions.question_text) as question_text
    from invitations
    inner join {{ questions }} as questions
        on invitations.source_name = questions.source_name
    left join files_of_surveys
        on
            invitations.source_name = files_of_surveys.source_name
            and invitations.survey_id = files_of_surveys.survey_id
    where
        questions.survey_type <> 'comment'
        and coalesce(files_of_surveys.raw_file_name, questions.raw_file_name)
        = questions.raw_file_name
    group by 1, 2, 3, 4
),

asked_or_answered as (
    select
        answers.source_name,
        coalesce(invitations.invitation_id, answers.response_id) as native_id,
        coalesce(answers.customer_id, invitations.customer_id) as customer_id,
        answers.survey_type,
        answers.question_number,
        answers.question_text,
        invitations.invited_at,
        answers.responded_at,
        answers.score,
        answers.scale_min,
        answers.scale_max,
        answers.comment
    from answers
    left join invitations
        on
            answers.source_name = invitations.source_name
            and answers.response_id = invitations.response_id

    union all

    select
        asked.source_name,
        asked.invitation_id as native_id,
        invitations.customer_id,
        asked.survey_type,
        asked.question_number,
        asked.question_text,
        invitations.invited_at,
        cast(null as timestamp) as responded_at,
        cast(null as string) as score,
        -- what nobody answered needs no scale
        cast(null as string) as scale_min,
        cast(null as string) as scale_max,
        cast(null as string) as comment
    from asked
    inner join invitations
        on
            asked.source_name = invitations.source_name
            and asked.invitation_id = invitations.invitation_id
    left join answers
        on
            invitations.source_name = answers.source_name
            and invitations.response_id = answers.response_id
            and asked.survey_type = answers.survey_type
            and asked.question_number = answers.question_number
    where answers.response_id is null
)

select
    {{ source_key('native_id') }} || '-' || survey_type
    || case when question_number > 1 then '-' || question_number else '' end as response_id,
    customer_id,
    survey_type,
    invited_at,
    responded_at,
    -- staging rejects a score that is not a number
    score,
    scale_min,
    scale_max,
    comment,
    question_text as touchpoint
from asked_or_answered
