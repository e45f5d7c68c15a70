-- Grain: one row per survey type, period and combination of segments in which somebody was asked or
-- answered.
{{ config(materialized='table') }}

with

responses as (
    select
        responses.response_id,
        responses.customer_id,
        responses.survey_type,
        responses.invited_on,
        responses.responded_at,
        responses.responded_on,
        responses.score,
        responses.nps_category,
        responses.is_satisfied,
        responses.is_easy,
        responses.is_answered,
        responses.is_anonymous,
        {{ segment_columns('customers') }}
    from {{ ref('int_survey_responses') }} as responses
    inner join {{ ref('int_customers_with_anonymous') }} as customers
        on responses.customer_id = customers.customer_id
    where responses.survey_type in ('nps', 'csat', 'ces')
),

grains as (
    select distinct period_grain from {{ ref('int_periods') }}
),

-- an invitation counts in its own period, whenever it is answered
invitations as (
    select
        responses.*,
        grains.period_grain,
        {{ period_start('grains.period_grain', 'responses.invited_on') }} as period_start_date
    from responses
    cross join grains
    where responses.invited_on is not null
),

answers as (
    select
        responses.*,
        grains.period_grain,
        {{ period_start('grains.period_grain', 'responses.responded_on') }}
            as period_start_date
    from responses
    cross join grains
    where responses.is_answered
),

-- of a customer the latest answer of the period stands; nobody knows whose an anonymous one is
answers_ranked as (
    select
        *,
        row_number() over (
            partition by
                survey_type,
                period_grain,
                period_start_date,
                customer_id,
                case when is_anonymous then response_id end
            order by responded_at desc, response_id desc
        ) = 1 as is_latest
    from answers
),

tallies as (
    select
        survey_type,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        count(*) as invitations,
        count(case when is_answered then 1 end) as answered_invitations,
        0 as answers,
        0 as latest_answers,
        0 as promoters,
        0 as passives,
        0 as detractors,
        0 as satisfied_answers,
        0 as easy_answers,
        0 as sum_of_scores
    from invitations
    group by survey_type, period_grain, period_start_date, {{ segment_columns() }}

    union all

    select
        survey_type,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        0 as invitations,
        0 as answered_invitations,
        count(*) as answers,
        count(case when is_latest then 1 end) as latest_answers,
        count(case when is_latest and nps_category = 'promoter' then 1 end) as promoters,
        count(case when is_latest and nps_category = 'passive' then 1 end) as passives,
        count(case when is_latest and nps_category = 'detractor' then 1 end) as detractors,
        count(case when is_satisfied then 1 end) as satisfied_answers,
        count(case when is_easy then 1 end) as easy_answers,
        sum(score) as sum_of_scores
    from answers_ranked
    group by survey_type, period_grain, period_start_date, {{ segment_columns() }}
)

select
    -- keys
    survey_type,
    period_grain,
    period_start_date,

    -- segments
    {{ segment_columns() }},

    -- counts
    sum(invitations) as invitations,
    sum(answered_invitations) as answered_invitations,
    sum(answers) as answers,
    sum(latest_answers) as latest_answers,
    sum(promoters) as promoters,
    sum(passives) as passives,
    sum(detractors) as detractors,
    sum(satisfied_answers) as satisfied_answers,
    sum(easy_answers) as easy_answers,
    sum(sum_of_scores) as sum_of_scores
from tallies
group by survey_type, period_grain, period_start_date, {{ segment_columns() }}
