-- The rows of a campaign hold every customer of it once: whom it chose, targeted or held out, and
-- whom it touched, with what they did and brought; of those held out, only that they were
-- touched.
with

touches as (
    select
        campaign_id,
        audience,
        count(*) as customers,
        count(case when is_assigned then 1 end) as assigned,
        count(case when is_control and is_touched then 1 end) as touched_held_out,
        count(case when not is_control and is_touched then 1 end) as touched,
        count(case when not is_control and is_sent then 1 end) as sent,
        count(case when not is_control and is_opened then 1 end) as opened,
        count(case when not is_control and is_clicked then 1 end) as clicked,
        count(case when not is_control and is_converted then 1 end) as converted,
        sum(case when is_control then 0 else revenue_amount end) as revenue,
        sum(case when is_control then 0 else margin_amount end) as margin
    from {{ ref('fct_campaign_touches') }}
    group by campaign_id, audience
)

select
    campaigns.campaign_id,
    touches.campaign_id as campaign_of_touches
from {{ ref('rpt_campaigns') }} as campaigns
full outer join touches
    on
        campaigns.campaign_id = touches.campaign_id
        and campaigns.audience = touches.audience
where
    campaigns.campaign_id is null
    or campaigns.targeted_customers + campaigns.held_out_customers
    + campaigns.unassigned_customers <> coalesce(touches.customers, 0)
    or campaigns.targeted_customers + campaigns.held_out_customers
    <> coalesce(touches.assigned, 0)
    or campaigns.touched_held_out_customers <> coalesce(touches.touched_held_out, 0)
    or campaigns.touched_customers <> coalesce(touches.touched, 0)
    or campaigns.sent_customers <> coalesce(touches.sent, 0)
    or campaigns.opened_customers <> coalesce(touches.opened, 0)
    or campaigns.clicked_customers <> coalesce(touches.clicked, 0)
    or campaigns.converted_customers <> coalesce(touches.converted, 0)
    or campaigns.revenue_amount <> coalesce(touches.revenue, 0)
    or campaigns.margin_amount <> coalesce(touches.margin, 0)
