-- Grain: one row per period and slice in which somebody was asked for satisfaction, or answered.

select
    -- keys
    period_grain,
    period_start_date,
    segment_name,
    segment_value,

    -- counts
    invitations,
    answered_invitations,
    answers as responses,
    satisfied_answers as satisfied_responses,

    -- rates
    {{ rate('satisfied_answers', 'answers') }} as csat,
    {{ wilson_bound('satisfied_answers', 'answers', '-') }} as ci_low,
    {{ wilson_bound('satisfied_answers', 'answers', '+') }} as ci_high,
    {{ rate('answered_invitations', 'invitations') }} as response_rate,

    -- flags
    is_complete_period
from {{ ref('int_surveys_sliced') }}
where survey_type = 'csat'
