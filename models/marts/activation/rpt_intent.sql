-- Grain: one row per period and intent to leave that customers stated in it.
{%- set churn_days = var('intent_churn_days') %}
{%- set keys = ['period_grain', 'period_start_date', 'stated_intent'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

answers as (
    select
        response_id,
        customer_id,
        responded_on,
        score,
        case
            when score <= {{ var('intent_low_max_score') }} then 'low'
            when score >= {{ var('intent_high_min_score') }} then 'high'
            else 'middle'
        end as stated_intent
    from {{ ref('int_survey_responses') }}
    where survey_type = 'intent' and is_answered and not is_anonymous
),

-- only customers who are active on the day of the answer can churn
spells as (
    select * from {{ ref('int_activity_spells') }}
    where relationship = 'any'
),

answers_followed as (
    select
        answers.*,
        spells.customer_id is not null as is_active,
        {{ days_after('answers.responded_on', churn_days) }} <= settings.as_of_date as is_decided,
        coalesce(spells.ended_on <= {{ days_after('answers.responded_on', churn_days) }}, false)
            as has_churned
    from answers
    cross join settings
    left join spells
        on
            answers.customer_id = spells.customer_id
            and answers.responded_on >= spells.started_on
            and answers.responded_on < coalesce(spells.ended_on, {{ open_end() }})
    where answers.responded_on <= settings.as_of_date
),

answers_by_period as (
    {{ rows_by_period_and_ever('answers_followed', 'responded_on') }}
),

-- the first answer of each customer in the period: a later one is given only by those who stayed
first_answers as (
    select *
    from answers_by_period
    qualify row_number() over (
        partition by period_grain, period_start_date, customer_id
        order by responded_on, response_id
    ) = 1
),

counts as (
    select
        {{ keys | join(', ') }},
        count(*) as customers,
        count(case when not is_active then 1 end) as inactive,
        count(case when is_active and not is_decided then 1 end) as pending,
        count(case when is_active and is_decided then 1 end) as decided,
        count(case when is_active and is_decided and has_churned then 1 end) as churned,
        avg(score) as mean_score
    from first_answers
    group by {{ keys | join(', ') }}
)

select
    -- keys
    counts.period_grain,
    counts.period_start_date,
    counts.stated_intent,

    -- dates
    coalesce(periods.closes_on, settings.as_of_date) as closes_on,

    -- counts
    counts.customers as answering_customers,
    counts.inactive as inactive_customers,
    counts.pending as pending_customers,
    counts.decided as decided_customers,
    counts.churned as churned_customers,

    -- scores
    counts.mean_score,

    -- rates
    {{ rate('counts.churned', 'counts.decided') }} as churned_rate,
    {{ wilson_bound('counts.churned', 'counts.decided', '-') }} as ci_low,
    {{ wilson_bound('counts.churned', 'counts.decided', '+') }} as ci_high,

    -- flags
    counts.decided < {{ var('min_answers') }} as is_small,
    coalesce(periods.is_complete_period, false) as is_complete_period
from counts
cross join settings
-- all time is no period of the calendar
left join {{ ref('int_periods') }} as periods
    on {{ same_values('counts', 'periods', ['period_grain', 'period_start_date']) }}
