-- Grain: one row per state of a subscription, from its start on, whatever form it was told in.

with

versions as (
    select
        *,
        {{ reporting_day('started_at') }} as started_on,
        {{ reporting_day('signed_at') }} as signed_on,
        {{ reporting_day('ended_at') }} as ended_on,
        {{ reporting_day('paid_through_at') }} as paid_through_on,
        {{ reporting_day('cancel_requested_at') }} as cancel_requested_on,
        {{ reporting_day('trial_ends_at') }} as trial_ends_on,
        -- a credit of nothing says nothing: exports fill empty columns with zeros
        nullif(credited_amount, 0) as known_credit
    from {{ ref('stg_subscriptions') }}
),

-- a row without a day of its own says that the version before it is over, and why
versions_told as (
    select
        *,
        coalesce(status in ('cancelled', 'expired'), false)
        and coalesce(greatest(ended_on, paid_through_on, cancel_requested_on), started_on)
        <= started_on as may_close
    from versions
),

versions_followed as (
    select
        *,
        may_close and lag(started_at) over subscription_life is not null as is_closing,
        coalesce(lead(may_close) over subscription_life, false) as is_closed,
        lead(started_on) over subscription_life as next_started_on,
        lead(status) over subscription_life as next_status,
        lead(cancel_requested_on) over subscription_life as next_cancel_requested_on,
        lead(cancel_reason) over subscription_life as next_cancel_reason,
        lead(is_involuntary) over subscription_life as next_is_involuntary,
        lead(known_credit) over subscription_life as next_known_credit,
        lead(is_refunded) over subscription_life as next_is_refunded
    from versions_told
    window subscription_life as (
        partition by subscription_id, item_id
        order by started_at
    )
),

-- the last status says what a version was only if no state can be meant but a paid one
versions_closed as (
    select
        *,
        case
            when is_closed and coalesce(status, 'active') = 'active' then next_status
            else status
        end as last_status,
        case when is_closed then least(ended_on, next_started_on) else ended_on end as last_day,
        is_closed and coalesce(ended_on > next_started_on, true) as is_ended_at_once,
        case
            when is_closed then coalesce(cancel_requested_on, next_cancel_requested_on)
            else cancel_requested_on
        end as last_request,
        case
            when is_closed then coalesce(next_cancel_reason, cancel_reason) else cancel_reason
        end as last_reason,
        case
            when is_closed then coalesce(next_is_involuntary, is_involuntary)
            else is_involuntary
        end as last_is_involuntary,
        case
            when is_closed then coalesce(next_known_credit, known_credit) else known_credit
        end as last_credit,
        coalesce(is_refunded, false)
        or (is_closed and coalesce(next_is_refunded, false)) as last_is_refunded,
        -- a trial that the version begins with, and that no version of its own tells
        case
            when trial_ends_on > started_on and coalesce(status, 'active') <> 'trialing'
                then trial_ends_on
        end as trial_to
    from versions_followed
    where not is_closing
),

-- nobody paid for a trial that was over before its end
versions_with_trials as {{ materialized() }} (
    select
        *,
        coalesce(
            coalesce(
                last_day,
                case
                    when last_status in ('cancelled', 'expired')
                        then coalesce(paid_through_on, last_request)
                end
            ) <= trial_to,
            false
        ) as is_never_paid
    from versions_closed
)

-- the trial that a version begins with
select
    subscription_id,
    item_id,
    started_at,
    customer_id,
    plan_id,
    started_on,
    signed_on,
    case when is_never_paid then last_day end as ended_on,
    case when is_never_paid then paid_through_on end as paid_through_on,
    case when is_never_paid then last_request end as cancel_requested_on,
    'trialing' as status,
    case when is_never_paid then last_status in ('cancelled', 'expired') else false end
        as is_cancelled,
    case when is_never_paid then last_reason end as cancel_reason,
    case when is_never_paid then last_is_involuntary end as is_involuntary,
    cast(null as decimal(18, 2)) as credited_amount,
    false as is_refunded,
    is_never_paid and is_ended_at_once as is_ended_at_once,
    is_never_paid and is_closed as is_closed,
    billing_interval,
    billing_interval_count,
    deliveries_per_term,
    currency,
    amount,
    quantity,
    discount_amount,
    cost_amount,
    exchange_rate
from versions_with_trials
where trial_to is not null

union all

-- all that is not such a trial
select
    subscription_id,
    item_id,
    case when trial_to is null then started_at else trial_ends_at end as started_at,
    customer_id,
    plan_id,
    coalesce(trial_to, started_on) as started_on,
    case when trial_to is null then signed_on end as signed_on,
    last_day as ended_on,
    paid_through_on,
    last_request as cancel_requested_on,
    last_status as status,
    coalesce(last_status in ('cancelled', 'expired'), false) or is_closed as is_cancelled,
    last_reason as cancel_reason,
    last_is_involuntary as is_involuntary,
    last_credit as credited_amount,
    last_is_refunded as is_refunded,
    is_ended_at_once,
    is_closed,
    billing_interval,
    billing_interval_count,
    deliveries_per_term,
    currency,
    amount,
    quantity,
    discount_amount,
    cost_amount,
    exchange_rate
from versions_with_trials
where
    trial_to is null
    or (not is_never_paid and coalesce(trial_to < next_started_on, true))
