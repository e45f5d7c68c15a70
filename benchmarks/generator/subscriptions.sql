-- One row per version. A month or a renewed term that changes nothing is no version for
-- a monthly contract, which simply runs on; a quarter or a year is a new one each time.
with changes as (
    select
        *,
        month_no = 0
        or term_months > 1 and month_no % term_months = 0
        or (plan_level, unit_cents, quantity, is_paused) is distinct from lag(
            (plan_level, unit_cents, quantity, is_paused)
        ) over (partition by subscription_no order by month_no) as is_change,
        event = 'late' and month_no % term_months = 0 as is_late,
        month_at + interval 2 day as late_at,
        late_at + to_days(5 + subscription_no % 8) as recovered_at
    from plan_subscription_months
),

trials as (
    select
        subscription_no,
        -1 as month_no,
        signed_at as started_at,
        'trialing' as status,
        first_level as plan_level,
        if(is_trial_only, 0, [1200, 2400, 4900, 9900][first_level]) as unit_cents,
        first_quantity as quantity,
        0 as discount_cents
    from plan_subscriptions
    where has_trial
),

versions as (
    select * from trials

    union all by name

    select
        subscription_no,
        month_no,
        month_at as started_at,
        if(is_paused, 'paused', 'active') as status,
        plan_level,
        unit_cents,
        quantity,
        discount_cents
    from changes
    where is_change

    union all by name

    select
        subscription_no,
        month_no,
        late_at as started_at,
        'past_due' as status,
        plan_level,
        unit_cents,
        quantity,
        discount_cents
    from changes
    where is_late and late_at < ends_at()

    union all by name

    select
        subscription_no,
        month_no,
        recovered_at as started_at,
        'active' as status,
        plan_level,
        unit_cents,
        quantity,
        discount_cents
    from changes
    where is_late and recovered_at < ends_at()

    union all by name

    -- a contract that nobody pays any more is past due for two weeks, then it is cut
    -- off
    select
        subscription_no,
        paid_months as month_no,
        paid_until as started_at,
        'past_due' as status,
        plan_level,
        unit_cents,
        quantity,
        discount_cents
    from changes
    where month_no = paid_months - 1 and ending_draw < 0.22 and paid_until < ends_at()
),

placed as (
    select
        versions.*,
        contracts.* exclude (subscription_no),
        lead(started_at) over by_start as replaced_at,
        lead(versions.month_no) over by_start as replaced_month_no,
        replaced_at is null as is_last
    from versions
    inner join plan_subscriptions as contracts using (subscription_no)
    window by_start as (partition by versions.subscription_no order by started_at)
),

-- how the last version ends: never paid, cut off, run out, cancelled, or not at all
with_ending as (
    select
        *,
        case
            when not is_last then null
            when is_trial_only then 'trial'
            when ending_draw < 0.22 and paid_until < ends_at() then 'cut_off'
            when ending_draw > 0.75 and term_months > 1 and paid_until < ends_at()
                then 'expired'
            when ending_draw >= 0.22 and requested_at < ends_at() then 'cancelled'
        end as ending
    from (
        select
            *,
            greatest(
                started_at + interval 1 hour,
                paid_until
                - to_days(1 + floor(24 * rnd(subscription_no, 'notice'))::int)
            ) as requested_at
        from placed
    )
),

with_dates as (
    select
        *,
        case
            when ending = 'trial' then started_at + interval 14 day
            when ending = 'cut_off' then paid_until + interval 14 day
            when ending = 'expired' then paid_until
            -- some stop on the spot, though they have paid for longer
            when ending = 'cancelled' and ending_draw < 0.32 then requested_at
            when ending = 'cancelled' then paid_until
            -- one system closes the version before, the others leave that to the reader
            when not is_last and subscription_no % 10 in (1, 2) then replaced_at
        end as ended_at,
        case
            when status in ('trialing', 'expired') then started_at + interval 14 day
            when status = 'past_due' then paid_from + to_months(month_no)
            when term_months > 1
                then paid_from
                    + to_months(((month_no // term_months + 1) * term_months)::int)
            else paid_from + to_months(coalesce(replaced_month_no, least(
                paid_months, 1 + date_diff('month', paid_from, ends_at())
            ))::int)
        end as paid_through_at
    from with_ending
)

select
    row_number() over (order by subscription_no, started_at) as _row,
    subscription_id_of(subscription_no) as subscription_id,
    customer_id_of(customer_no) as customer_id,
    started_at,
    ended_at,
    ['basic', 'plus', 'pro', 'max'][plan_level] as plan_id,
    as_amount(unit_cents) as amount,
    quantity,
    as_amount(nullif(discount_cents, 0)) as discount_amount,
    if(rnd(subscription_no, 'costed') < 0.8, as_amount(unit_cents // 4), null)
        as cost_amount,
    currency,
    billing_interval,
    billing_interval_count,
    case
        when ending in ('cut_off', 'cancelled') and ended_at < ends_at()
            then 'cancelled'
        when ending = 'expired' then 'expired'
        when status = 'active' and subscription_no % 40 = 9 then null
        else status
    end as status,
    if(rnd(subscription_no, 'paid_through') < 0.92, paid_through_at, null)
        as paid_through_at,
    if(ending = 'cancelled', requested_at, null) as cancel_requested_at,
    case
        when ending = 'cut_off' then 'payment_failed'
        when ending = 'cancelled' and rnd(subscription_no, 'told') < 0.85
            then reason_of(reason_draw)
    end as cancel_reason,
    case when ending in ('cut_off', 'cancelled') then ending = 'cut_off' end
        as is_involuntary,
    greatest(started_at, case
        when ending = 'cancelled' then requested_at
        when ended_at < ends_at() then ended_at
    end) as updated_at
from with_dates
