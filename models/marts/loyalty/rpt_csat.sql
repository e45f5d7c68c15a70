-- Grain: one row per period and slice in which somebody was asked for satisfaction, or answered.

with

periods as (
    select * from {{ ref('int_periods') }}
),

tallies as (
    select * from {{ ref('int_surveys_tallied') }}
    where survey_type = 'csat'
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
        cast(sum(tallies.satisfied_answers) as bigint) as satisfied_responses
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
    counts.satisfied_responses,

    -- rates
    {{ rate('counts.satisfied_responses', 'counts.responses') }} as csat,
    {{ wilson_bound('counts.satisfied_responses', 'counts.responses', '-') }} as ci_low,
    {{ wilson_bound('counts.satisfied_responses', 'counts.responses', '+') }} as ci_high,
    {{ rate('counts.answered_invitations', 'counts.invitations') }} as response_rate,

    -- flags
    periods.is_complete_period
from counts
inner join periods
    on
        counts.period_grain = periods.period_grain
        and counts.period_start_date = periods.period_start_date
