-- Grain: one row per campaign and customer it chose, held out or not.
--
-- A campaign chooses from those who bought within a year and have not refused contact.
-- Its lift is planted among those who are active and would not buy within two weeks of
-- their own: if they are targeted, with luck they do. The chance of luck is the lift over
-- the share of such members, so that the share of buyers among the targeted rises by the
-- lift, and by nothing else. Nobody is won back: the activity windows would no longer fit.
create table plan_campaign_members as
with drawn as (
    select
        campaign_no,
        customer_no,
        customer_no * 100 + campaign_no as draw_no,
        started_at,
        lift,
        window_days,
        started_at + to_hours(floor(96 * rnd(customer_no, 'slot'))::int) as assigned_at,
        -- the second to the twelfth day, when the mail has been read
        date_trunc('day', assigned_at)
        + to_days(2 + floor(11 * rnd(draw_no, 'buys_on'))::int)
        + to_seconds(second_of_day(draw_no, 'buys')) as buys_at,
        has_control and rnd(draw_no, 'held_out') < 1 / 3 as is_control
    from plan_campaigns
    inner join plan_customers
        on plan_customers.is_known
        and plan_customers.may_contact is distinct from false
        and plan_customers.joined_at < plan_campaigns.started_at
        and rnd(customer_no * 100 + campaign_no, 'chosen')
        < getvariable('campaign_reach')
    where not is_acquisition
),

-- whole days, and one more than two weeks: however a reader counts them, who buys of his
-- own is not moved
members as (
    select
        drawn.campaign_no,
        drawn.customer_no,
        draw_no,
        assigned_at,
        buys_at,
        lift,
        is_control,
        max(purchase_no) filter (where ordered_at < started_at) as purchases_before,
        max(ordered_at) filter (where ordered_at < started_at)
        >= buys_at - to_days(window_days) as is_active,
        bool_or(ordered_at >= date_trunc('day', assigned_at)) as is_buying_anyway
    from drawn
    inner join plan_purchases
        on drawn.customer_no = plan_purchases.customer_no
        and plan_purchases.ordered_at >= drawn.started_at - interval 365 day
        and plan_purchases.ordered_at
        < date_trunc('day', drawn.assigned_at) + interval 15 day
    group by
        drawn.campaign_no, drawn.customer_no, draw_no, assigned_at, buys_at, lift,
        is_control, window_days
    having purchases_before is not null
),

new_subscribers as (
    select distinct
        members.campaign_no,
        members.customer_no,
        true as is_subscribing
    from members
    inner join plan_subscriptions
        on members.customer_no = plan_subscriptions.customer_no
        and plan_subscriptions.paid_from >= date_trunc('day', members.assigned_at)
        and plan_subscriptions.paid_from
        < date_trunc('day', members.assigned_at) + interval 15 day
    where not is_trial_only
),

with_rest as (
    select
        *,
        is_active and not is_buying_anyway and is_subscribing is null as is_movable
    from members
    left join new_subscribers using (campaign_no, customer_no)
)

select
    campaign_no,
    customer_no,
    assigned_at,
    is_control,
    purchases_before,
    is_movable
    and not is_control
    and rnd(draw_no, 'moved')
    < lift / avg(is_movable::int) over (partition by campaign_no) as is_moved,
    buys_at
from with_rest;
