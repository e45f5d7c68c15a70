-- Monthly, one row per channel and campaign: what the month's newcomers have cost, and
-- what was sent to those already here, offers included.
with newcomers as (
    select
        date_trunc('month', joined_at)::date as spend_date,
        date_diff('month', getvariable('starts_on')::date, joined_at::date)::int
            as month_no,
        channel,
        cost_per_customer,
        count(*) as customers,
        count(*) filter (where industry is not null) as businesses
    from plan_customers
    where is_known and channel is not null
    group by all
),

spending as (
    select
        spend_date,
        channel,
        case channel
            when 'paid_search' then 13 + 2 * (month_no // 6)
            when 'paid_social' then 14 + 2 * (month_no // 6)
        end as campaign_no,
        customers * cost_per_customer as euros,
        'conversion' as objective,
        customers * 3 as leads_count
    from newcomers

    union all

    select
        spend_date + 14 as spend_date,
        channel,
        null as campaign_no,
        customers * 25 as euros,
        'awareness' as objective,
        null as leads_count
    from newcomers
    where channel in ('paid_social', 'partner')

    union all

    -- the people who sell to businesses
    select
        spend_date,
        'sales' as channel,
        null as campaign_no,
        sum(businesses) * 400 as euros,
        'conversion' as objective,
        sum(businesses) * 2 as leads_count
    from newcomers
    group by spend_date

    union all

    select
        date_trunc('month', started_at)::date as spend_date,
        'email' as channel,
        campaign_no,
        count(*) * 12 as euros,
        'retention' as objective,
        null as leads_count
    from plan_campaign_members
    inner join plan_campaigns using (campaign_no)
    where not is_control
    group by all
)

select
    row_number() over (order by spend_date, channel, campaign_no) as _row,
    spend_date,
    channel,
    campaign_id_of(campaign_no) as campaign_id,
    as_amount(
        (euros * (80 + floor(40 * rnd(hash(spend_date, channel), 'spend'))))::bigint
    ) as amount,
    'EUR' as currency,
    objective,
    leads_count::int as leads_count
from spending
