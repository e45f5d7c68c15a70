-- Grain: one row per period and slice in which somebody was asked how easy it was, or answered.

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
    easy_answers as easy_responses,

    -- scores
    {{ rate('sum_of_scores', 'answers') }} as mean_score,

    -- rates
    {{ rate('easy_answers', 'answers') }} as easy_share,
    {{ wilson_bound('easy_answers', 'answers', '-') }} as ci_low,
    {{ wilson_bound('easy_answers', 'answers', '+') }} as ci_high,
    {{ rate('answered_invitations', 'invitations') }} as response_rate,

    -- flags
    is_complete_period
from {{ ref('int_surveys_sliced') }}
where survey_type = 'ces'
