-- Grain: one row per survey type, period and combination of segments in which somebody was asked or
-- answered.
{{ config(materialized='table', enabled=var('surveys_enabled')) }}
{%- set group = ['survey_type'] + segments() %}
{%- set sums = [
    'invitations', 'answered_invitations', 'answers', 'satisfied_answers', 'easy_answers',
    'sum_of_scores',
] %}
{%- set latest = ['latest_answers', 'promoters', 'passives', 'detractors'] %}

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

-- an answer is the customer's latest until the next one; each anonymous answer counts by itself
rows_with_next as (
    select
        *,
        case
            when not is_invitation
                then lead(responded_on) over (
                    partition by
                        is_invitation,
                        survey_type,
                        customer_id,
                        case when is_anonymous then response_id end
                    order by responded_at, response_id
                )
        end as next_responded_on
    from invitations_and_answers
),

rows_by_period as (
    {{ rows_by_period('rows_with_next', 'counted_on') }}
),

-- the latest answer of a customer in the period counts
rows_marked as (
    select
        *,
        not is_invitation
        and coalesce(
            {{ period_start('period_grain', 'next_responded_on') }} > period_start_date, true
        ) as is_latest_answer
    from rows_by_period
),

calendar_tallies as (
    select
        survey_type,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
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
    from rows_marked
    group by survey_type, period_grain, period_start_date, {{ segment_columns() }}
),

months as (
    select * from calendar_tallies
    where period_grain = 'month'
),

-- the latest answers of a month come in with it; each leaves with the customer's next answer, or
-- when it is twelve months old
answers_with_leave as (
    select
        survey_type,
        {{ segment_columns() }},
        nps_category,
        {{ month_start('responded_on') }} as responded_month,
        least(
            coalesce({{ month_start('next_responded_on') }}, {{ open_end() }}),
            {{ months_after(month_start('responded_on'), 12) }}
        ) as leaving_month
    from rows_with_next
    where not is_invitation
),

answers_leaving as (
    select
        survey_type,
        {{ segment_columns() }},
        leaving_month,
        count(*) as latest_answers,
        count(case when nps_category = 'promoter' then 1 end) as promoters,
        count(case when nps_category = 'passive' then 1 end) as passives,
        count(case when nps_category = 'detractor' then 1 end) as detractors
    from answers_with_leave
    where leaving_month > responded_month
    group by survey_type, {{ segment_columns() }}, leaving_month
),

year_changes as (
    select
        survey_type,
        {{ segment_columns() }},
        period_start_date as changed_month,
        {{ (sums + latest) | join(',\n        ') }}
    from months

    union all

    select
        survey_type,
        {{ segment_columns() }},
        {{ months_after('period_start_date', 12) }} as changed_month,
        {{ of_each(sums, '-{}') }},
        {{ of_each(latest, '0') }}
    from months

    union all

    select
        survey_type,
        {{ segment_columns() }},
        leaving_month as changed_month,
        {{ of_each(sums, '0') }},
        {{ of_each(latest, '-{}') }}
    from answers_leaving
),

years as (
    {{ trailing_years('year_changes', group, sums + latest) }}
),

tallies as (
    {%- for periods in ['calendar_tallies', 'years'] %}
    select
        survey_type,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {{ (sums + latest) | join(',\n        ') }}
    from {{ periods }}
    where invitations > 0 or answers > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    survey_type,
    period_grain,
    period_start_date,

    -- segments
    {{ segment_columns() }},

    -- counts
    cast(invitations as bigint) as invitations,
    cast(answered_invitations as bigint) as answered_invitations,
    cast(answers as bigint) as answers,
    cast(latest_answers as bigint) as latest_answers,
    cast(promoters as bigint) as promoters,
    cast(passives as bigint) as passives,
    cast(detractors as bigint) as detractors,
    cast(satisfied_answers as bigint) as satisfied_answers,
    cast(easy_answers as bigint) as easy_answers,
    cast(sum_of_scores as bigint) as sum_of_scores
from tallies
