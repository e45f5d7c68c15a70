-- Each churn movement is a churn event of `subscription` with the same lost MRR, unless the
-- customer stays as a member for life; and rpt_churn_reasons has every event with its full amounts.
with

movements as (
    select
        movements.customer_id,
        movements.moved_on,
        -movements.mrr_change_amount as mrr_amount
    from {{ ref('fct_mrr_movements') }} as movements
    left join {{ ref('int_subscription_versions') }} as for_life
        on
            movements.customer_id = for_life.customer_id
            and movements.moved_on >= for_life.started_on
            and movements.moved_on < coalesce(for_life.stopped_on, {{ open_end() }})
            and for_life.is_for_life
    where movements.movement = 'churn' and for_life.customer_id is null
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
where coalesce(movements.mrr_amount, 0) <> coalesce(events.lost_mrr_amount, 0)

union all

select report_totals.relationship || ' by ' || report_totals.period_grain as where_it_differs
from report_totals
left join event_totals
    on report_totals.relationship = event_totals.relationship
where
    report_totals.churn_events <> event_totals.churn_events
    or report_totals.mrr_amount <> event_totals.mrr_amount
    or report_totals.revenue_amount <> event_totals.revenue_amount
