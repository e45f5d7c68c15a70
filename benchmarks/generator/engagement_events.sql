-- What customers and prospects do of their own, and the mails that campaigns send them.
with people as (
    select
        plan_customers.customer_no,
        habit,
        joined_at,
        is_member,
        -- interest fades some months after the last purchase
        least(
            ends_at(),
            coalesce(last_ordered_at, joined_at)
            + to_days(20 + floor(160 * rnd(plan_customers.customer_no, 'fades'))::int)
        ) as interested_until,
        floor(
            (1 + 2 * getvariable('events_per_customer'))
            * rnd(plan_customers.customer_no, 'events')
        )::int as events
    from plan_customers
    left join plan_histories using (customer_no)
    left join (
        select
            customer_no,
            true as is_member
        from plan_memberships
    ) using (customer_no)
    where is_known
),

own_events as (
    select
        'E' as prefix,
        customer_no * 100 + event_no as draw_no,
        customer_no,
        joined_at
        + (interested_until - joined_at) * rnd(customer_no * 100 + event_no, 'when')
            as occurred_at,
        pick(
            rnd(customer_no * 100 + event_no, 'type'),
            if(
                habit = 'prospect',
                [
                    'site_visit', 'download', 'form_submitted', 'email_sent',
                    'sales_contact', 'site_visit', 'site_visit', 'tool_use'
                ],
                [
                    'site_visit', 'portal_login', 'support_contact', 'email_sent',
                    'tool_use',
                    if(is_member, 'loyalty_earned', 'site_visit'),
                    if(is_member, 'loyalty_redeemed', 'download'), 'sales_contact'
                ]
            ),
            [0.34, 0.58, 0.70, 0.80, 0.87, 0.93, 0.97]
        ) as event_type,
        -- who is about to leave has been served worse
        if(habit in ('one_time', 'dropout'), 0.65, 0.85) as resolved_share,
        null as campaign_no
    from (select *, unnest(range(events)) as event_no from people)
),

-- mails that were sent; of them some are opened, of those some clicked
mails as (
    select
        unnest(range(if(reaction < 0.12, 3, if(reaction < 0.4, 2, 1)))) as step,
        'M' as prefix,
        (customer_no * 100 + campaign_no) * 10 + step as draw_no,
        customer_no,
        assigned_at + to_hours((step * (3 + customer_no % 9))::int) as occurred_at,
        ['email_sent', 'email_opened', 'email_clicked'][step + 1] as event_type,
        campaign_no
    from (
        select
            *,
            -- who buys because of a mail has opened it
            rnd(customer_no * 100 + campaign_no, 'reacts') * if(is_moved, 0.4, 1)
                as reaction
        from plan_campaign_members
        where not is_control
    )
),

events as (
    select * from own_events
    union all by name
    select * exclude (step) from mails
)

select
    row_number() over (order by prefix, draw_no) as _row,
    prefix || lpad(draw_no::varchar, 10, '0') as event_id,
    customer_id_of(customer_no) as customer_id,
    date_trunc('second', occurred_at) as occurred_at,
    event_type,
    campaign_id_of(campaign_no) as campaign_id,
    case
        when event_type like 'email%' then 'email'
        when event_type like '%contact'
            then pick_evenly(rnd(draw_no, 'channel'), ['phone', 'chat', 'email'])
        else pick(rnd(draw_no, 'channel'), ['web', 'app'], [0.7])
    end as channel,
    case
        when event_type in ('site_visit', 'portal_login', 'tool_use')
            then (20 + 200 * rnd_exponential(draw_no, 'stay'))::int
    end as duration_seconds,
    case
        when event_type in ('support_contact', 'sales_contact')
            then rnd(draw_no, 'resolved') < resolved_share
    end as is_resolved,
    -- half of those who call say how it went
    case
        when event_type = 'support_contact' and rnd(draw_no, 'rated') < 0.5
            then greatest(1, least(5, round(
                if(is_resolved, 4.2, 2.2) + 2 * (rnd(draw_no, 'outcome') - 0.5)
            )))::int
    end as outcome_score
from events
where occurred_at < ends_at()
