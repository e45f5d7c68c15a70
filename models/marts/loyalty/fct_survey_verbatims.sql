-- Grain: one row per comment on a survey.
{{ config(enabled=var('surveys_enabled') and var('publish_verbatims')) }}

select
    -- keys
    responses.response_id,
    responses.customer_id,

    -- dates
    responses.responded_on,

    -- words
    responses.survey_type,
    responses.touchpoint,
    responses.nps_category,
    verbatims.comment,

    -- scores
    responses.score
from {{ ref('int_survey_responses') }} as responses
-- the one place that has the comments
inner join {{ ref('base_survey_responses') }} as verbatims
    on responses.response_id = verbatims.response_id
where
    verbatims.is_accepted
    and verbatims.comment is not null
    and responses.responded_on is not null
