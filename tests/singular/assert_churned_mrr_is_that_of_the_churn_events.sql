-- Each churn movement is a churn event of `subscription` with the same lost MRR, and
-- rpt_churn_reasons has every event with its full amounts.
with

movements as (
    select
        customer_id,
        moved_on,
        -mrr_change_amount as mrr_amount
    from {{ ref('fct_mrr_movements') }}
    where movement = 'churn'
),

events as (
    select * from {{ ref('fct_churn_events') }}
    where relationship = 'subscription'
),

event_totals as (
    select
        relationship,
        count(*) as churn_events,
        sum(lost_mrr_amount) as mrr_amount,
        sum(lost_revenue_12m_amount) as revenue_amount
    from {{ ref('fct_churn_events') }}
    group by relationship
),

report_totals as (
    select
        relationship,
        period_grain,
        sum(churn_events) as churn_events,
        sum(lost_mrr_amount) as mrr_amount,
        sum(lost_revenue_12m_amount) as revenue_amount
    from {{ ref('rpt_churn_reasons') }}
    group by relationship, period_grain
)

select coalesce(movements.customer_id, events.customer_id) as where_it_differs
from movements
full join events
    on
        movements.customer_id = events.customer_id
        and movements.moved_on = events.churned_on
where coalesce(movements.mrr_amount, -1) <> coalesce(events.lost_mrr_amount, -1)

union all

select report_totals.relationship || ' by ' || report_totals.period_grain as where_it_differs
from report_totals
left join event_totals
    on report_totals.relationship = event_totals.relationship
where
    report_totals.churn_events <> event_totals.churn_events
    or report_totals.mrr_amount <> event_totals.mrr_amount
    or report_totals.revenue_amount <> event_totals.revenue_amount
