-- Grain: one row per subscription, then one per month of its paid life.

create table plan_subscriptions as
with holders as (
    select
        *,
        case channel
            when 'paid_social' then 0.055 when 'referral' then 0.02 else 0.034
        end as monthly_churn
    from plan_customers
    where is_known and (habit = 'subscriber' or rnd(customer_no, 'subscribes') < 0.28)
),

-- the first contract, and for one holder in eight a second: beside it or after a break
first_contracts as (
    select
        *,
        customer_no * 2 - 1 as subscription_no,
        joined_at + to_days(
            floor(if(habit = 'subscriber', 20, 200) * rnd(customer_no, 'signs'))::int
        ) as signed_at
    from holders
),

terms as (
    select
        *,
        pick(
            rnd(subscription_no, 'term'),
            [[1, 1], [1, 3], [3, 1], [1, 12]],
            [0.66, 0.74, 0.82]
        ) as term,
        term[1] as interval_size,
        term[1] * term[2] as term_months,
        -- Of those who pay by the month, half leave after the first few months and half
        -- stay for years. A model of renewals can only beat the past rate if customers
        -- differ, and it is judged only if enough have left: with fewer holders, or with
        -- one churn for all, the sample would show no use of it.
        case
            when term_months > 1 then 1.4
            when rnd(customer_no, 'settles') < 0.5 then 1 / 12
            else 3
        end as lasts,
        ceil(
            rnd_exponential(subscription_no, 'paid')
            / monthly_churn * lasts / term_months
        )::int * term_months as paid_months
    from first_contracts
),

second_contracts as (
    select
        * replace (
            subscription_no + 1 as subscription_no,
            if(
                rnd(subscription_no, 'beside') < 0.5,
                signed_at
                + to_days(40 + floor(200 * rnd(subscription_no, 'later'))::int),
                signed_at + to_months(paid_months)
                + to_days(50 + floor(120 * rnd(subscription_no, 'later'))::int)
            ) as signed_at,
            [1, 1] as term,
            1 as interval_size,
            1 as term_months,
            ceil(rnd_exponential(subscription_no + 1, 'paid') / monthly_churn)::int
                as paid_months
        )
    from terms
    where rnd(subscription_no, 'second') < 0.125 and paid_months < 60
),

contracts as (
    select * from terms
    union all
    select * from second_contracts
)

select
    customer_no,
    subscription_no,
    currency,
    customer_segment,
    term_months,
    case
        when term_months = 12 then 'year' when interval_size = 3 then 'quarter'
        else 'month'
    end as billing_interval,
    if(term_months = 3 and interval_size = 1, 3, 1) as billing_interval_count,
    paid_months,
    -- one contract in four opens with a trial of 14 days, and a third of those stops
    -- there
    rnd(subscription_no, 'trial') < 0.25 as has_trial,
    has_trial and rnd(subscription_no, 'converts') < 0.33 as is_trial_only,
    signed_at,
    -- no billing day after the 28th: a month later is then always the same day
    date_trunc('month', signed_at + to_days(if(has_trial, 14, 0)))
    + to_days(least(27, day(signed_at + to_days(if(has_trial, 14, 0)))::int - 1))
    + (signed_at - date_trunc('day', signed_at)) as paid_from,
    paid_from + to_months(paid_months) as paid_until,
    1 + floor(3 * rnd(subscription_no, 'plan'))::int as first_level,
    case customer_segment
        when 'enterprise' then 10 + floor(40 * rnd(subscription_no, 'seats'))::int
        when 'small_business' then 2 + floor(8 * rnd(subscription_no, 'seats'))::int
        else 1
    end as first_quantity,
    if(
        rnd(subscription_no, 'deal') < 0.18,
        pick_evenly(rnd(subscription_no, 'cut'), [10, 15, 20]),
        0
    ) as discount_percent,
    rnd(subscription_no, 'how') as ending_draw,
    rnd(subscription_no, 'why') as reason_draw,
    rnd(subscription_no, 'invoiced') < 0.15 as is_invoiced
from contracts
where signed_at < ends_at() and paid_from < ends_at();

create table plan_subscription_months as
with months as (
    select
        *,
        unnest(range(least(
            paid_months, 1 + date_diff('month', paid_from, ends_at())
        ))) as month_no
    from plan_subscriptions
    where not is_trial_only
),

-- a month brings at most one event, and the first and the last bring none
with_event as (
    select
        *,
        paid_from + to_months(month_no) as month_at,
        case
            when month_no between 1 and paid_months - 2
                then pick(
                    rnd(subscription_no * 1000 + month_no, 'event'),
                    ['upgrade', 'downgrade', 'more', 'fewer', 'pause', 'late', 'none'],
                    [0.022, 0.034, 0.054, 0.064, 0.076, 0.112]
                )
            else 'none'
        end as event
    from months
),

with_state as (
    select
        *,
        event = 'pause' and term_months = 1 as is_paused,
        greatest(1, least(4, first_level + sum(
            case event when 'upgrade' then 1 when 'downgrade' then -1 else 0 end
        ) over running))::int as plan_level,
        greatest(1, first_quantity + sum(
            case event when 'more' then first_quantity // 4 + 1
            when 'fewer' then -(first_quantity // 4 + 1) else 0 end
        ) over running)::int as quantity,
        -- prices rose once, by a twentieth, for every term that begins in 2025 or later
        if(
            paid_from + to_months((month_no // term_months * term_months)::int)
            >= timestamp '2025-01-01',
            105,
            100
        ) as price_level
    from with_event
    window running as (partition by subscription_no order by month_no)
)

select
    *,
    -- a quarter costs 5 % less than its months, a year 15 %
    ([1200, 2400, 4900, 9900][plan_level] * price_level * term_months
    * case term_months when 12 then 85 when 3 then 95 else 100 end // 10000)::bigint
        as unit_cents,
    unit_cents * quantity * discount_percent // 100 as discount_cents
from with_state
where month_at < ends_at();
