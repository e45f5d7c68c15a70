-- Grain: one row per churn event: a spell that is over, by customer and relationship.

with

churn_events as (
    select * from {{ ref('int_churn_events_explained') }}
),

-- relationships that end on the same day lose the same revenue, so it is added up once
churn_days as (
    select distinct
        customer_id,
        churned_on,
        {{ months_after('churned_on', -12) }} as revenue_counts_from
    from churn_events
),

revenue_entries as (
    select * from {{ ref('int_revenue_entries') }}
),

-- revenue of the customer in the year before the churn event: from orders...
order_revenue_lost as (
    select
        churn_days.customer_id,
        churn_days.churned_on,
        sum(revenue_entries.revenue_amount) as revenue_amount
    from churn_days
    inner join revenue_entries
        on
            churn_days.customer_id = revenue_entries.customer_id
            and churn_days.revenue_counts_from <= revenue_entries.revenue_date
            and churn_days.churned_on > revenue_entries.revenue_date
    group by churn_days.customer_id, churn_days.churned_on
),

-- ...and from subscriptions: each change of MRR earns from its day to the churn event
recurring_revenue_lost as (
    select
        churn_days.customer_id,
        churn_days.churned_on,
        sum(
            (steps.mrr_after_amount - steps.mrr_before_amount) * {{ months_of_revenue(
                'greatest(steps.changed_on, churn_days.revenue_counts_from)',
                'churn_days.churned_on',
            ) }}
        ) as revenue_amount
    from churn_days
    inner join {{ ref('int_mrr_steps') }} as steps
        on
            churn_days.customer_id = steps.customer_id
            and churn_days.churned_on > steps.changed_on
    group by churn_days.customer_id, churn_days.churned_on
),

churn_movements as (
    select * from {{ ref('fct_mrr_movements') }}
    where movement = 'churn'
)

select
    -- keys
    churn_events.customer_id,
    churn_events.relationship,
    churn_events.spell_number,

    -- dates
    churn_events.churned_on,
    churn_events.returned_on,

    -- words
    churn_events.churn_reason,
    churn_events.churn_type,
    churn_events.exit_type,

    -- amounts; a shop has no recurring revenue to lose
    {{ as_amount(
        "case when churn_events.relationship <> 'orders'"
        ~ ' then coalesce(-churn_movements.mrr_change_amount, 0) else 0 end'
    ) }} as lost_mrr_amount,
    {{ as_amount(
        'coalesce(order_revenue_lost.revenue_amount, 0)'
        ~ ' + coalesce(recurring_revenue_lost.revenue_amount, 0)'
    ) }} as lost_revenue_12m_amount,

    -- flags
    churn_events.switched_to_competitor
from churn_events
left join order_revenue_lost
    on
        churn_events.customer_id = order_revenue_lost.customer_id
        and churn_events.churned_on = order_revenue_lost.churned_on
left join recurring_revenue_lost
    on
        churn_events.customer_id = recurring_revenue_lost.customer_id
        and churn_events.churned_on = recurring_revenue_lost.churned_on
left join churn_movements
    on
        churn_events.customer_id = churn_movements.customer_id
        and churn_events.churned_on = churn_movements.moved_on
