-- Grain: one row per survey type, period and slice in which somebody was asked or answered.
{{ config(enabled=var('surveys_enabled')) }}

select
    -- keys
    tallies.survey_type,
    tallies.period_grain,
    tallies.period_start_date,
    tallies.segment_name,
    tallies.segment_value,

    -- dates
    periods.closes_on,

    -- counts
    tallies.invitations,
    tallies.asked_customers,
    tallies.answered_invitations,
    tallies.answers,
    tallies.latest_answers,
    tallies.promoters,
    tallies.passives,
    tallies.detractors,
    tallies.satisfied_answers,
    tallies.easy_answers,
    tallies.sum_of_scores,

    -- flags
    periods.has_rates,
    periods.is_complete_period
from {{ ref('int_surveys_tallied') }} as tallies
inner join {{ ref('int_periods') }} as periods
    on {{ same_values('tallies', 'periods', ['period_grain', 'period_start_date']) }}
