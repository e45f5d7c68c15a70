-- In each grain of the calendar and by each segment, the survey reports together hold every
-- invitation and every answer once.
with

reports as (
    select
        'nps' as survey_type,
        period_grain,
        segment_name,
        invitations,
        answered_invitations,
        answers
    from {{ ref('rpt_nps') }}

    union all

    select
        'csat' as survey_type,
        period_grain,
        segment_name,
        invitations,
        answered_invitations,
        responses as answers
    from {{ ref('rpt_csat') }}

    union all

    select
        'ces' as survey_type,
        period_grain,
        segment_name,
        invitations,
        answered_invitations,
        responses as answers
    from {{ ref('rpt_ces') }}
),

reported as (
    select
        survey_type,
        period_grain,
        segment_name,
        sum(invitations) as invitations,
        sum(answered_invitations) as answered_invitations,
        sum(answers) as answers
    from reports
    where {{ is_of_grains('period_grain', period_grains()) }}
    group by survey_type, period_grain, segment_name
),

counted as (
    select
        survey_type,
        count(invited_on) as invitations,
        count(case when is_answered then invited_on end) as answered_invitations,
        count(case when is_answered then 1 end) as answers
    from {{ ref('fct_survey_responses') }}
    where survey_type in ('nps', 'csat', 'ces')
    group by survey_type
)

select
    counted.survey_type,
    reported.period_grain,
    reported.segment_name,
    reported.invitations,
    counted.invitations as counted_invitations,
    reported.answers,
    counted.answers as counted_answers
from counted
left join reported
    on counted.survey_type = reported.survey_type
where
    coalesce(reported.invitations, 0) <> counted.invitations
    or coalesce(reported.answered_invitations, 0) <> counted.answered_invitations
    or coalesce(reported.answers, 0) <> counted.answers
