-- Grain: one row per period and slice in which somebody was asked to recommend, or answered.

with

periods as (
    select * from {{ ref('int_periods') }}
),

tallies as (
    select * from {{ ref('int_surveys_tallied') }}
    where survey_type = 'nps'
),

slices as (
    {{ segment_names() }}
),

counts as (
    select
        tallies.period_grain,
        tallies.period_start_date,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        cast(sum(tallies.invitations) as bigint) as invitations,
        cast(sum(tallies.answered_invitations) as bigint) as answered_invitations,
        cast(sum(tallies.answers) as bigint) as answers,
        cast(sum(tallies.latest_answers) as bigint) as responses,
        cast(sum(tallies.promoters) as bigint) as promoters,
        cast(sum(tallies.passives) as bigint) as passives,
        cast(sum(tallies.detractors) as bigint) as detractors
    from tallies
    cross join slices
    group by
        tallies.period_grain,
        tallies.period_start_date,
        slices.segment_name,
        {{ segment_value() }}
),

-- three answers more, 3/4 of a promoter and 3/4 of a detractor among them: so the interval holds
-- for few answers as well
adjusted_shares as (
    select
        *,
        (promoters + 0.75) / cast(responses + 3 as double) as promoter_share,
        (detractors + 0.75) / cast(responses + 3 as double) as detractor_share
    from counts
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
            / (responses + 3)
        ) as reach
    from adjusted_shares
)

select
    -- keys
    scores.period_grain,
    scores.period_start_date,
    scores.segment_name,
    scores.segment_value,

    -- counts
    scores.invitations,
    scores.answered_invitations,
    scores.answers,
    scores.responses,
    scores.promoters,
    scores.passives,
    scores.detractors,

    -- scores
    100 * {{ rate('scores.promoters - scores.detractors', 'scores.responses') }} as nps,
    case
        when scores.responses > 0
            then greatest(-100, 100 * (scores.adjusted_score - scores.reach))
    end as ci_low,
    case
        when scores.responses > 0
            then least(100, 100 * (scores.adjusted_score + scores.reach))
    end as ci_high,

    -- rates
    {{ rate('scores.answered_invitations', 'scores.invitations') }} as response_rate,

    -- flags
    periods.is_complete_period
from adjusted_scores as scores
inner join periods
    on
        scores.period_grain = periods.period_grain
        and scores.period_start_date = periods.period_start_date
