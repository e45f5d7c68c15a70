-- Grain: one row per customer and day from which a type of exit was known, or that it was unknown.

with

exits as (
    select
        spells.customer_id,
        spells.ended_on,
        spells.next_started_on,
        contracts.cancel_reason
    from {{ ref('int_activity_spells') }} as spells
    left join {{ ref('int_contracts_ended') }} as contracts
        on
            spells.customer_id = contracts.customer_id
            and spells.ended_on = contracts.stopped_on
    where spells.relationship = 'any' and spells.ended_on is not null
),

-- on the day itself the contract may say why; exit surveys tell more, on the day or later
reasons_known as (
    select
        customer_id,
        ended_on as known_on,
        coalesce(cancel_reason, 'unknown') as churn_reason,
        0 as is_survey
    from exits

    union all

    select
        exits.customer_id,
        answers.known_on,
        coalesce(answers.reason_code, exits.cancel_reason, 'unknown') as churn_reason,
        1 as is_survey
    from exits
    inner join {{ ref('int_exits_explained') }} as answers
        on
            exits.customer_id = answers.customer_id
            and exits.ended_on = answers.ended_on
    -- an answer that comes after the customer has returned changes no stage
    where exits.next_started_on is null or answers.known_on < exits.next_started_on
),

latest_reasons_of_the_day as (
    select
        customer_id,
        known_on,
        churn_reason
    from reasons_known
    qualify row_number() over (
        partition by customer_id, known_on
        order by is_survey desc
    ) = 1
)

select
    known.customer_id,
    known.known_on,
    case
        when reasons.exit_type in ('natural', 'preventable') then reasons.exit_type
        else 'unknown'
    end as exit_type
from latest_reasons_of_the_day as known
left join {{ ref('churn_reasons') }} as reasons
    on known.churn_reason = {{ reason_code('reasons.reason_code') }}
