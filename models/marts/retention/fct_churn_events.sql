-- Grain: one row per churn event: a spell that is over, by customer and relationship.
{{ config(post_hook='{{ warn_of_unmapped_reasons() }}') }}

with

churned_spells as (
    select * from {{ ref('fct_activity_spells') }}
    where ended_on is not null
),

-- relationships that end together lose the same revenue, for the same reason: once is enough
churn_days as (
    select distinct
        customer_id,
        ended_on,
        {{ months_after('ended_on', -12) }} as revenue_counts_from
    from churned_spells
),

revenue_entries as (
    select * from {{ ref('int_revenue_entries') }}
),

-- what the customer brought in the year before leaving: by orders...
order_revenue_lost as (
    select
        churn_days.customer_id,
        churn_days.ended_on,
        sum(revenue_entries.revenue_amount) as revenue_amount
    from churn_days
    inner join revenue_entries
        on
            churn_days.customer_id = revenue_entries.customer_id
            and churn_days.revenue_counts_from <= revenue_entries.revenue_date
            and churn_days.ended_on > revenue_entries.revenue_date
    group by churn_days.customer_id, churn_days.ended_on
),

-- ...and by subscription: each change of MRR earns from its day to that of leaving
recurring_revenue_lost as (
    select
        churn_days.customer_id,
        churn_days.ended_on,
        sum(
            (steps.mrr_after_amount - steps.mrr_before_amount) * {{ months_of_revenue(
                'greatest(steps.changed_on, churn_days.revenue_counts_from)', 'churn_days.ended_on'
            ) }}
        ) as revenue_amount
    from churn_days
    inner join {{ ref('int_mrr_steps') }} as steps
        on
            churn_days.customer_id = steps.customer_id
            and churn_days.ended_on > steps.changed_on
    group by churn_days.customer_id, churn_days.ended_on
),

contract_ends as (
    select * from {{ ref('int_contracts_ended') }}
),

exit_answers as (
    select * from {{ ref('int_exits_explained') }}
    where is_nearest
),

churn_movements as (
    select * from {{ ref('fct_mrr_movements') }}
    where movement = 'churn'
),

-- the shop has no contract that could say why, and no recurring revenue to lose
churn_explained as (
    select
        churned_spells.*,
        exit_answers.switched_to_competitor as said_to_switch,
        case when churned_spells.relationship <> 'orders' then contract_ends.is_involuntary end
            as is_involuntary,
        case
            when churned_spells.relationship <> 'orders'
                then -churn_movements.mrr_change_amount
        end as lost_mrr,
        coalesce(order_revenue_lost.revenue_amount, 0)
        + coalesce(recurring_revenue_lost.revenue_amount, 0) as lost_revenue,
        coalesce(
            exit_answers.reason_code,
            case when churned_spells.relationship <> 'orders' then contract_ends.cancel_reason end,
            'unknown'
        ) as churn_reason
    from churned_spells
    left join order_revenue_lost
        on
            churned_spells.customer_id = order_revenue_lost.customer_id
            and churned_spells.ended_on = order_revenue_lost.ended_on
    left join recurring_revenue_lost
        on
            churned_spells.customer_id = recurring_revenue_lost.customer_id
            and churned_spells.ended_on = recurring_revenue_lost.ended_on
    left join contract_ends
        on
            churned_spells.customer_id = contract_ends.customer_id
            and churned_spells.ended_on = contract_ends.stopped_on
    left join exit_answers
        on
            churned_spells.customer_id = exit_answers.customer_id
            and churned_spells.ended_on = exit_answers.ended_on
    left join churn_movements
        on
            churned_spells.customer_id = churn_movements.customer_id
            and churned_spells.ended_on = churn_movements.moved_on
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
    -- where the reason does not tell, the contract may
    case
        when reasons.churn_type <> 'unknown' then reasons.churn_type
        when churn_explained.is_involuntary then 'involuntary'
        when not churn_explained.is_involuntary then 'voluntary'
        else 'unknown'
    end as churn_type,
    coalesce(reasons.exit_type, 'unknown') as exit_type,

    -- amounts
    {{ as_amount('coalesce(churn_explained.lost_mrr, 0)') }} as lost_mrr_amount,
    {{ as_amount('churn_explained.lost_revenue') }} as lost_revenue_12m_amount,

    -- flags
    coalesce(churn_explained.said_to_switch, reasons.is_competitor, false)
        as switched_to_competitor
from churn_explained
left join {{ ref('churn_reasons') }} as reasons
    on churn_explained.churn_reason = {{ reason_code('reasons.reason_code') }}
