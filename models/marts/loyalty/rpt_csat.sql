-- Grain: one row per period and slice in which somebody was asked for satisfaction, or answered.
{{ config(enabled=var('surveys_enabled')) }}

select
    -- keys
    period_grain,
    period_start_date,
    segment_name,
    segment_value,

    -- dates
    closes_on,

    -- counts
    invitations,
    asked_customers,
    answered_invitations,
    answers as responses,
    satisfied_answers as satisfied_responses,

    -- rates
    case when has_rates then {{ rate('satisfied_answers', 'answers') }} end as csat,
    case
        when has_rates then {{ wilson_bound('satisfied_answers', 'answers', '-') }}
    end as ci_low,
    case
        when has_rates then {{ wilson_bound('satisfied_answers', 'answers', '+') }}
    end as ci_high,
    case
        when has_rates then {{ rate('answered_invitations', 'invitations') }}
    end as response_rate,

    -- flags
    answers < {{ var('min_answers') }} as is_small,
    is_complete_period
from {{ ref('int_surveys_sliced') }}
where survey_type = 'csat'
