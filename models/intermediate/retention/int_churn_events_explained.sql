-- Grain: one row per churn event: a spell that is over, by customer and relationship.
{{ config(materialized='table', post_hook='{{ warn_of_unmapped_reasons() }}') }}

with

churned_spells as (
    select * from {{ ref('int_activity_spells') }}
    where ended_on is not null
),

contract_ends as (
    select * from {{ ref('int_contracts_ended') }}
),

exit_answers as (
    select * from {{ ref('int_exits_explained') }}
    where is_nearest
),

-- a shop has no contract that could give a reason
churn_explained as (
    select
        churned_spells.customer_id,
        churned_spells.relationship,
        churned_spells.spell_number,
        churned_spells.ended_on,
        churned_spells.next_started_on,
        exit_answers.switched_to_competitor as said_to_switch,
        case when churned_spells.relationship <> 'orders' then contract_ends.is_involuntary end
            as is_involuntary,
        coalesce(
            exit_answers.reason_code,
            case when churned_spells.relationship <> 'orders' then contract_ends.cancel_reason end,
            'unknown'
        ) as churn_reason
    from churned_spells
    left join contract_ends
        on
            churned_spells.customer_id = contract_ends.customer_id
            and churned_spells.ended_on = contract_ends.stopped_on
    left join exit_answers
        on
            churned_spells.customer_id = exit_answers.customer_id
            and churned_spells.ended_on = exit_answers.ended_on
)

select
    -- keys
    churn_explained.customer_id,
    churn_explained.relationship,
    churn_explained.spell_number,

    -- dates
    churn_explained.ended_on as churned_on,
    churn_explained.next_started_on as returned_on,

    -- words
    churn_explained.churn_reason,
    -- where the reason does not decide, the contract may
    case
        when reasons.churn_type <> 'unknown' then reasons.churn_type
        when churn_explained.is_involuntary then 'involuntary'
        when not churn_explained.is_involuntary then 'voluntary'
        else 'unknown'
    end as churn_type,
    coalesce(reasons.exit_type, 'unknown') as exit_type,

    -- flags
    coalesce(churn_explained.said_to_switch, reasons.is_competitor, false)
        as switched_to_competitor
from churn_explained
left join {{ ref('churn_reasons') }} as reasons
    on churn_explained.churn_reason = {{ reason_code('reasons.reason_code') }}
