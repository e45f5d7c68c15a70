-- Grain: one row per survey type, period and slice in which somebody was asked or answered.
{{ config(materialized='table', enabled=var('surveys_enabled')) }}
{%- set columns = slices() + ['touchpoint'] %}
{%- set column_list = (['survey_type'] + columns) | join(', ') %}
{%- set group = ['survey_type', 'segment_name', 'segment_value'] %}
{%- set group_list = group | join(', ') %}
{%- set sums = [
    'invitations', 'answered_invitations', 'answers', 'satisfied_answers', 'easy_answers',
    'sum_of_scores',
] %}
{#- the latest of each customer, among all touchpoints and in each of them -#}
{%- set latest = ['asked_customers', 'latest_answers', 'promoters', 'passives', 'detractors'] %}
{%- set latest_of_touchpoint = [
    'asked_customers_of_touchpoint', 'latest_answers_of_touchpoint',
] %}
{%- set measures = sums + latest + latest_of_touchpoint %}

with

responses as (
    select
        responses.response_id,
        responses.customer_id,
        responses.survey_type,
        responses.invited_at,
        responses.invited_on,
        responses.responded_at,
        responses.responded_on,
        responses.score,
        responses.nps_category,
        responses.is_satisfied,
        responses.is_easy,
        responses.is_answered,
        responses.is_anonymous,
        {%- for column in slices() %}
        customers.{{ column }},
        {%- endfor %}
        -- a recommendation is of the company as a whole
        case when responses.survey_type = 'nps' then 'any' else responses.touchpoint end
            as touchpoint
    from {{ ref('int_survey_responses') }} as responses
    inner join {{ ref('int_customers_with_anonymous') }} as customers
        on responses.customer_id = customers.customer_id
    where responses.survey_type in ('nps', 'csat', 'ces')
),

-- an invitation counts in its own period, no matter when it is answered
invitations_and_answers as (
    select
        *,
        invited_at as counted_at,
        invited_on as counted_on,
        true as is_invitation
    from responses
    where invited_on is not null

    union all

    select
        *,
        responded_at as counted_at,
        responded_on as counted_on,
        false as is_invitation
    from responses
    where is_answered
),

-- an answer is the customer's latest until the next one, and so is an invitation: a reminder asks
-- nobody anew. Each anonymous one counts by itself
rows_with_next as (
    select
        *,
        lead(counted_on) over (
            partition by
                is_invitation,
                survey_type,
                customer_id,
                case when is_anonymous then response_id end
            order by counted_on, counted_at, response_id
        ) as next_counted_on,
        lead(counted_on) over (
            partition by
                is_invitation,
                survey_type,
                customer_id,
                case when is_anonymous then response_id end,
                touchpoint
            order by counted_on, counted_at, response_id
        ) as next_counted_on_of_touchpoint
    from invitations_and_answers
),

rows_by_period as (
    {{ rows_by_period('rows_with_next', 'counted_on') }}
),

-- the latest of a customer in the period counts
rows_marked as (
    select
        *,
        coalesce(
            {{ period_start('period_grain', 'next_counted_on') }} > period_start_date, true
        ) as is_latest,
        coalesce(
            {{ period_start('period_grain', 'next_counted_on_of_touchpoint') }} > period_start_date,
            true
        ) as is_latest_of_touchpoint
    from rows_by_period
),

combinations_tallied as (
    select
        {{ column_list }},
        period_grain,
        period_start_date,
        count(case when is_invitation then 1 end) as invitations,
        count(case when is_invitation and is_answered then 1 end) as answered_invitations,
        count(case when is_invitation and is_latest then 1 end) as asked_customers,
        count(case when is_invitation and is_latest_of_touchpoint then 1 end)
            as asked_customers_of_touchpoint,
        count(case when not is_invitation then 1 end) as answers,
        count(case when not is_invitation and is_latest then 1 end) as latest_answers,
        count(case when not is_invitation and is_latest_of_touchpoint then 1 end)
            as latest_answers_of_touchpoint,
        {%- for category in ['promoter', 'passive', 'detractor'] %}
        count(
            case when not is_invitation and is_latest and nps_category = '{{ category }}' then 1 end
        ) as {{ category }}s,
        {%- endfor %}
        count(case when not is_invitation and is_satisfied then 1 end) as satisfied_answers,
        count(case when not is_invitation and is_easy then 1 end) as easy_answers,
        sum(case when is_invitation then 0 else score end) as sum_of_scores
    from rows_marked
    group by {{ column_list }}, period_grain, period_start_date
),

tallies_by_slice as (
    {{ rows_by_slice('combinations_tallied', columns) }}
),

calendar_tallies as (
    select
        {{ group_list }},
        period_grain,
        period_start_date,
        {{ of_each(measures, 'sum({})') }}
    from tallies_by_slice
    where survey_type <> 'nps' or segment_name <> 'touchpoint'
    group by {{ group_list }}, period_grain, period_start_date
),

months as (
    select * from calendar_tallies
    where period_grain = 'month'
),

-- the latest of a month comes in with it; it leaves with the customer's next one, or when it is
-- twelve months old
rows_with_leave as (
    select
        {{ column_list }},
        nps_category,
        is_invitation,
        {{ month_start('counted_on') }} as counted_month,
        least(
            coalesce({{ month_start('next_counted_on') }}, {{ open_end() }}),
            {{ months_after(month_start('counted_on'), 12) }}
        ) as leaving_month,
        least(
            coalesce({{ month_start('next_counted_on_of_touchpoint') }}, {{ open_end() }}),
            {{ months_after(month_start('counted_on'), 12) }}
        ) as leaving_month_of_touchpoint
    from rows_with_next
),

combinations_leaving as (
    select
        {{ column_list }},
        leaving_month,
        count(case when is_invitation then 1 end) as asked_customers,
        count(case when not is_invitation then 1 end) as latest_answers,
        {%- for category in ['promoter', 'passive', 'detractor'] %}
        count(case when not is_invitation and nps_category = '{{ category }}' then 1 end)
            as {{ category }}s,
        {%- endfor %}
        {{ of_each(latest_of_touchpoint, '0') }}
    from rows_with_leave
    where leaving_month > counted_month
    group by {{ column_list }}, leaving_month

    union all

    select
        {{ column_list }},
        leaving_month_of_touchpoint as leaving_month,
        {{ of_each(latest, '0') }},
        count(case when is_invitation then 1 end) as asked_customers_of_touchpoint,
        count(case when not is_invitation then 1 end) as latest_answers_of_touchpoint
    from rows_with_leave
    where leaving_month_of_touchpoint > counted_month
    group by {{ column_list }}, leaving_month_of_touchpoint
),

leaving_by_slice as (
    {{ rows_by_slice('combinations_leaving', columns) }}
),

year_changes as (
    select
        {{ group_list }},
        period_start_date as changed_month,
        {{ measures | join(',\n        ') }}
    from months

    union all

    select
        {{ group_list }},
        {{ months_after('period_start_date', 12) }} as changed_month,
        {{ of_each(sums, '-{}') }},
        {{ of_each(latest + latest_of_touchpoint, '0') }}
    from months

    union all

    select
        {{ group_list }},
        leaving_month as changed_month,
        {{ of_each(sums, '0') }},
        {{ of_each(latest + latest_of_touchpoint, '-{}') }}
    from leaving_by_slice
    where survey_type <> 'nps' or segment_name <> 'touchpoint'
),

years as (
    {{ trailing_years('year_changes', group, measures) }}
),

tallies as (
    {%- for periods in ['calendar_tallies', 'years'] %}
    select
        {{ group_list }},
        period_grain,
        period_start_date,
        {{ measures | join(',\n        ') }}
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

    segment_name,
    segment_value,

    -- counts
    {{ of_each(sums + latest[2:], 'cast({} as bigint)') }},
    -- who was asked about two touchpoints was asked once, and answered once
    {{ of_each(
        latest[:2],
        "cast(case segment_name when 'touchpoint' then {}_of_touchpoint else {} end as bigint)",
    ) }}
from tallies
