-- Grain: one row per customer, churn day and exit survey that was the nearest when it was answered.
{%- set survey_days = var('exit_survey_days') %}

with

-- relationships that end on one day end for the same reason
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
        -- an answer from before the exit counts from the day of the exit
        greatest(answers.event_date, churn_days.ended_on) as known_on,
        {{ reason_code('answers.reason_code') }} as reason_code,
        answers.switched_to_competitor,
        -- 1 is the answer nearest to the exit; of two that are as near, the later
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
-- nearer than every answer known by then
qualify nearness = min(nearness) over (
    partition by customer_id, ended_on
    order by known_on, nearness
    rows between unbounded preceding and current row
)
