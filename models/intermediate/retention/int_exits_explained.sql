-- Grain: one row per customer, churn day and exit survey that was the nearest to it when it came.
{%- set survey_days = var('exit_survey_days') %}

with

-- relationships that end on the same day end for the same reason
churn_days as (
    select distinct
        customer_id,
        ended_on
    from {{ ref('int_activity_spells') }}
    where ended_on is not null
),

answers as (
    select
        churn_days.customer_id,
        churn_days.ended_on,
        -- an answer given before the customer leaves counts from the day they leave
        greatest(answers.event_date, churn_days.ended_on) as known_on,
        {{ reason_code('answers.reason_code') }} as reason_code,
        answers.switched_to_competitor,
        -- 1 is the survey nearest to the day; of two equally near, the later one
        row_number() over (
            partition by churn_days.customer_id, churn_days.ended_on
            order by
                abs({{ days_between('churn_days.ended_on', 'answers.event_date') }}) asc,
                answers.event_date desc,
                answers.response_id asc
        ) as nearness
    from churn_days
    inner join {{ ref('stg_survey_responses') }} as answers
        on
            churn_days.customer_id = answers.customer_id
            and answers.event_date
            between {{ days_after('churn_days.ended_on', -survey_days) }}
            and {{ days_after('churn_days.ended_on', survey_days) }}
    where
        answers.survey_type = 'exit'
        and answers.responded_at is not null
        and (answers.reason_code is not null or answers.switched_to_competitor is not null)
)

select
    customer_id,
    ended_on,
    known_on,
    reason_code,
    switched_to_competitor,
    nearness = 1 as is_nearest
from answers
-- keep a survey only if it is nearer than every survey known before it
qualify nearness = min(nearness) over (
    partition by customer_id, ended_on
    order by known_on, nearness
    rows between unbounded preceding and current row
)
