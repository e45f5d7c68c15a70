-- Grain: one row per accepted row of survey_responses: an invitation, an answer, or both.
{{ config(enabled=var('surveys_enabled')) }}

select
    -- keys
    response_id,
    customer_id,

    -- dates
    invited_at,
    responded_at,
    invited_on,
    responded_on,

    -- words
    survey_type,
    touchpoint,
    nps_category,
    reason_code,

    -- scores
    score,
    original_score,
    scale_min,
    scale_max,

    -- flags
    switched_to_competitor,
    is_satisfied,
    is_easy,
    is_answered,
    has_comment,
    is_anonymous
from {{ ref('int_survey_responses') }}
