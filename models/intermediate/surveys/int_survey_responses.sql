-- Grain: one row per accepted row of survey_responses: an invitation, an answer, or both.
{{ config(post_hook='{{ warn_of_doubtful_answers() }}') }}

with

responses as (
    select
        *,
        {{ score_on_scale_of_survey() }} as score_of_survey,
        -- surveys that ask for a score are answered only with a score
        responded_at is not null
        and (score is not null or survey_type in ('wallet', 'exit')) as is_answered
    from {{ ref('stg_survey_responses') }}
)

select
    -- keys
    response_id,
    coalesce(customer_id, 'anonymous') as customer_id,

    -- dates
    invited_at,
    responded_at,
    {{ reporting_day('invited_at') }} as invited_on,
    {{ reporting_day('responded_at') }} as responded_on,

    -- words
    survey_type,
    coalesce(touchpoint, 'unknown') as touchpoint,
    case
        when survey_type <> 'nps' or not is_answered then null
        when score_of_survey >= {{ var('nps_promoter_min_score') }} then 'promoter'
        when score_of_survey <= {{ var('nps_detractor_max_score') }} then 'detractor'
        else 'passive'
    end as nps_category,
    {{ reason_code('reason_code') }} as reason_code,

    -- scores
    case when is_answered then score_of_survey end as score,
    case when is_answered then score end as original_score,
    scale_min,
    scale_max,

    -- flags
    switched_to_competitor,
    case when survey_type = 'csat' and is_answered then score_of_survey >= 4 end as is_satisfied,
    case when survey_type = 'ces' and is_answered then score_of_survey >= 5 end as is_easy,
    is_answered,
    has_comment,
    customer_id is null as is_anonymous
from responses
