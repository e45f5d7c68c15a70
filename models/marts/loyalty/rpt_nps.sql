-- Grain: one row per period and slice in which somebody was asked to recommend, or answered.
{{ config(enabled=var('surveys_enabled')) }}

with

surveys as (
    select * from {{ ref('int_surveys_sliced') }}
    where survey_type = 'nps'
),

-- three answers are added, 0.75 of them promoters, 0.75 detractors and the rest passives, so that
-- the interval holds for few answers too
adjusted_shares as (
    select
        *,
        (promoters + 0.75) / cast(latest_answers + 3 as double) as promoter_share,
        (detractors + 0.75) / cast(latest_answers + 3 as double) as detractor_share
    from surveys
),

adjusted_scores as (
    select
        *,
        promoter_share - detractor_share as adjusted_score,
        {{ z_95() }} * sqrt(
            (
                promoter_share + detractor_share
                - (promoter_share - detractor_share) * (promoter_share - detractor_share)
            )
            / (latest_answers + 3)
        ) as reach
    from adjusted_shares
)

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
    answers,
    latest_answers as responses,
    promoters,
    passives,
    detractors,

    -- scores
    case
        when has_rates then 100 * {{ rate('promoters - detractors', 'latest_answers') }}
    end as nps,
    case
        when has_rates and latest_answers > 0
            then greatest(-100, 100 * (adjusted_score - reach))
    end as ci_low,
    case
        when has_rates and latest_answers > 0
            then least(100, 100 * (adjusted_score + reach))
    end as ci_high,

    -- rates
    case
        when has_rates then {{ rate('answered_invitations', 'invitations') }}
    end as response_rate,

    -- flags
    latest_answers < {{ var('min_answers') }} as is_small,
    is_complete_period
from adjusted_scores
