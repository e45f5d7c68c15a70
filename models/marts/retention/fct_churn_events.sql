-- Grain: one row per churn event: a spell that is over, by customer and relationship.

with

churned_spells as (
    select * from {{ ref('fct_activity_spells') }}
    where ended_on is not null
),

-- relationships that end together lose the same revenue: it is added up once
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

-- what the customer brought in the year before leaving
revenue_lost as (
    select
        churn_days.customer_id,
        churn_days.ended_on,
        sum(revenue_entries.revenue_amount) as revenue_12m_amount
    from churn_days
    inner join revenue_entries
        on
            churn_days.customer_id = revenue_entries.customer_id
            and churn_days.revenue_counts_from <= revenue_entries.revenue_date
            and churn_days.ended_on > revenue_entries.revenue_date
    group by churn_days.customer_id, churn_days.ended_on
)

select
    -- keys
    churned_spells.customer_id,
    churned_spells.relationship,
    churned_spells.spell_number,

    -- dates
    churned_spells.ended_on as churned_on,
    churned_spells.next_started_on as returned_on,

    -- amounts
    {{ as_amount('coalesce(revenue_lost.revenue_12m_amount, 0)') }}
        as lost_revenue_12m_amount
from churned_spells
left join revenue_lost
    on
        churned_spells.customer_id = revenue_lost.customer_id
        and churned_spells.ended_on = revenue_lost.ended_on
