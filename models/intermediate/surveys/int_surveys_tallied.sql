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

-- an invitation counts in its own period, no matter when it is answered
invitations_and_answers as (
    select
        *,
        invited_on as counted_on,
        true as is_invitation
    from responses
    where invited_on is not null

    union all

    select
        *,
        responded_on as counted_on,
        false as is_invitation
    from responses
    where is_answered
),

rows_by_period as (
    {{ rows_by_period('invitations_and_answers', 'counted_on') }}
),

-- the latest answer of a customer in the period counts; each anonymous answer counts by itself
rows_ranked as (
    select
        *,
        not is_invitation
        and row_number() over (
            partition by
                is_invitation,
                survey_type,
                period_grain,
                period_start_date,
                customer_id,
                case when is_anonymous then response_id end
            order by responded_at desc, response_id desc
        ) = 1 as is_latest_answer
    from rows_by_period
)

select
    -- keys
    survey_type,
    period_grain,
    period_start_date,

    -- segments
    {{ segment_columns() }},

    -- counts
    count(case when is_invitation then 1 end) as invitations,
    count(case when is_invitation and is_answered then 1 end) as answered_invitations,
    count(case when not is_invitation then 1 end) as answers,
    count(case when is_latest_answer then 1 end) as latest_answers,
    count(case when is_latest_answer and nps_category = 'promoter' then 1 end) as promoters,
    count(case when is_latest_answer and nps_category = 'passive' then 1 end) as passives,
    count(case when is_latest_answer and nps_category = 'detractor' then 1 end) as detractors,
    count(case when not is_invitation and is_satisfied then 1 end) as satisfied_answers,
    count(case when not is_invitation and is_easy then 1 end) as easy_answers,
    sum(case when is_invitation then 0 else score end) as sum_of_scores
from rows_ranked
group by survey_type, period_grain, period_start_date, {{ segment_columns() }}
