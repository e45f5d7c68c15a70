-- Grain: one row per period and slice in which somebody was asked how easy it was, or answered.

with

periods as (
    select * from {{ ref('int_periods') }}
),

tallies as (
    select * from {{ ref('int_surveys_tallied') }}
    where survey_type = 'ces'
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
        cast(sum(tallies.answers) as bigint) as responses,
        cast(sum(tallies.easy_answers) as bigint) as easy_responses,
        cast(sum(tallies.sum_of_scores) as bigint) as sum_of_scores
    from tallies
    cross join slices
    group by
        tallies.period_grain,
        tallies.period_start_date,
        slices.segment_name,
        {{ segment_value() }}
)

select
    -- keys
    counts.period_grain,
    counts.period_start_date,
    counts.segment_name,
    counts.segment_value,

    -- counts
    counts.invitations,
    counts.answered_invitations,
    counts.responses,
    counts.easy_responses,

    -- scores
    {{ rate('counts.sum_of_scores', 'counts.responses') }} as mean_score,

    -- rates
    {{ rate('counts.easy_responses', 'counts.responses') }} as easy_share,
    {{ wilson_bound('counts.easy_responses', 'counts.responses', '-') }} as ci_low,
    {{ wilson_bound('counts.easy_responses', 'counts.responses', '+') }} as ci_high,
    {{ rate('counts.answered_invitations', 'counts.invitations') }} as response_rate,

    -- flags
    periods.is_complete_period
from counts
inner join periods
    on
        counts.period_grain = periods.period_grain
        and counts.period_start_date = periods.period_start_date
