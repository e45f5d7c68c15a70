-- Grain: one row per relationship, period, reason and combination of segments with a churn event.

with

churn_events as (
    select
        events.*,
        {{ segment_columns('customers') }}
    from {{ ref('fct_churn_events') }} as events
    inner join {{ ref('int_customers') }} as customers
        on events.customer_id = customers.customer_id
),

churn_events_by_period as (
    {{ rows_by_period('churn_events', 'churned_on') }}
),

reasons as (
    select
        relationship,
        period_grain,
        period_start_date,
        churn_reason,
        {{ segment_columns() }},
        count(*) as churn_events,
        count(distinct customer_id) as churned_customers,
        count(case when churn_type = 'voluntary' then 1 end) as voluntary_churn_events,
        count(case when churn_type = 'involuntary' then 1 end) as involuntary_churn_events,
        count(case when exit_type = 'preventable' then 1 end) as preventable_churn_events,
        count(case when exit_type = 'natural' then 1 end) as natural_churn_events,
        count(case when switched_to_competitor then 1 end) as competitor_churn_events,
        count(returned_on) as returned_churn_events,
        sum(lost_mrr_amount) as lost_mrr_amount,
        sum(lost_revenue_12m_amount) as lost_revenue_12m_amount
    from churn_events_by_period
    group by
        relationship,
        period_grain,
        period_start_date,
        churn_reason,
        {{ segment_columns() }}
)

select
    -- keys
    reasons.relationship,
    reasons.period_grain,
    reasons.period_start_date,
    reasons.churn_reason,
    {{ segment_columns('reasons') }},

    -- dates
    periods.closes_on,

    -- counts
    reasons.churn_events,
    reasons.churned_customers,
    reasons.voluntary_churn_events,
    reasons.involuntary_churn_events,
    reasons.preventable_churn_events,
    reasons.natural_churn_events,
    reasons.competitor_churn_events,
    reasons.returned_churn_events,

    -- amounts
    {{ as_amount('reasons.lost_mrr_amount') }} as lost_mrr_amount,
    {{ as_amount('reasons.lost_revenue_12m_amount') }} as lost_revenue_12m_amount,

    -- flags
    periods.is_complete_period
from reasons
inner join {{ ref('int_periods') }} as periods
    on
        reasons.period_grain = periods.period_grain
        and reasons.period_start_date = periods.period_start_date
