-- Grain: one row per survey type, period and slice in which somebody was asked or answered.
{{ config(enabled=var('surveys_enabled')) }}

with

tallies as (
    select * from {{ ref('int_surveys_tallied') }}
),

tallies_by_slice as (
    {{ rows_by_slice('tallies', slices() + ['touchpoint']) }}
),

counts as (
    select
        survey_type,
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        cast(sum(invitations) as bigint) as invitations,
        -- who was asked about two touchpoints was asked once
        cast(sum(
            case
                when segment_name = 'touchpoint' then asked_customers_of_touchpoint
                else asked_customers
            end
        ) as bigint) as asked_customers,
        cast(sum(answered_invitations) as bigint) as answered_invitations,
        cast(sum(answers) as bigint) as answers,
        cast(sum(latest_answers) as bigint) as latest_answers,
        cast(sum(promoters) as bigint) as promoters,
        cast(sum(passives) as bigint) as passives,
        cast(sum(detractors) as bigint) as detractors,
        cast(sum(satisfied_answers) as bigint) as satisfied_answers,
        cast(sum(easy_answers) as bigint) as easy_answers,
        cast(sum(sum_of_scores) as bigint) as sum_of_scores
    from tallies_by_slice
    where survey_type <> 'nps' or segment_name <> 'touchpoint'
    group by survey_type, period_grain, period_start_date, segment_name, segment_value
)

select
    -- keys
    counts.survey_type,
    counts.period_grain,
    counts.period_start_date,
    counts.segment_name,
    counts.segment_value,

    -- dates
    periods.closes_on,

    -- counts
    counts.invitations,
    counts.asked_customers,
    counts.answered_invitations,
    counts.answers,
    counts.latest_answers,
    counts.promoters,
    counts.passives,
    counts.detractors,
    counts.satisfied_answers,
    counts.easy_answers,
    counts.sum_of_scores,

    -- flags
    periods.has_rates,
    periods.is_complete_period
from counts
inner join {{ ref('int_periods') }} as periods
    on {{ same_values('counts', 'periods', ['period_grain', 'period_start_date']) }}
