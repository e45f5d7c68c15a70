-- Grain: one row per campaign and customer it chose, held out or not.
create table plan_campaign_members as
select
    campaign_no,
    customer_no,
    started_at + to_hours(floor(96 * rnd(customer_no, 'slot'))::int) as assigned_at,
    campaign_no % 3 != 0
    and rnd(customer_no * 100 + campaign_no, 'held_out') < 0.12 as is_control
from plan_campaigns
inner join plan_customers
    on plan_customers.is_known
    and plan_customers.joined_at < plan_campaigns.started_at
    and rnd(customer_no * 100 + campaign_no, 'chosen') < 0.10
where not is_acquisition;
