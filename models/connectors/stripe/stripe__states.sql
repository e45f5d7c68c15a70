-- Grain: one row per item of a Stripe subscription and day of an export, and per item that is gone.

with

export_rows as (
    select
        *,
        {{ source_key('id') }} as subscription_id,
        coalesce(items_id, items_price_id) as native_item_id
    from {{ ref('stripe__rows') }}
),

-- a day on which only test mode was exported does not count
snapshots as (
    select
        source_name,
        seen_at,
        lead(seen_at) over (partition by source_name order by seen_at) as next_seen_at,
        max(seen_until) over (partition by source_name) as known_until
    from (
        select distinct
            source_name,
            seen_at,
            seen_until
        from export_rows
    ) as days
),

-- a subscription whose first payment failed never began
begun as (
    select
        *,
        row_number() over (
            partition by subscription_id, native_item_id, seen_at
            order by raw_file_name desc, file_row asc
        ) as recency,
        min(seen_at) over (partition by subscription_id) as first_seen_at,
        min(seen_at) over (partition by subscription_id, native_item_id) as item_first_seen_at
    from export_rows
    where coalesce(status, '') not like 'incomplete%'
),

items as (
    select
        *,
        case
            when items_price_unit_amount_decimal is not null or items_price_unit_amount is not null
                then {{ money_of_smallest_unit(
                    'coalesce(items_price_unit_amount_decimal, items_price_unit_amount)', 'currency'
                ) }}
            else cast(amount as double)
        end as unit_price,
        -- without keys of items, the one that a subscription has had longest needs none, and keeps
        -- that when others are added or its price is replaced
        row_number() over (
            partition by subscription_id, seen_at
            order by item_first_seen_at, raw_file_name, file_row
        ) as item_number
    from begun
    where recency = 1
),

priced as (
    select
        *,
        case when is_metered then 0 else unit_price * quantity end as price,
        coalesce(items_id, case when item_number > 1 then items_price_id end) as item_id
    from items
),

discounted as (
    select
        *,
        coalesce(price * percent_off / 100, 0)
        -- an amount off the subscription is shared by its items
        + coalesce(
            {{ money_of_smallest_unit('amount_off', 'currency') }}
            * price / nullif(sum(price) over (partition by subscription_id, seen_at), 0), 0
        ) as discount
    from priced
),

days_of_subscriptions as (
    select
        subscription_id,
        seen_at,
        lead(seen_at) over (partition by subscription_id order by seen_at) as next_seen_at
    from (
        select distinct
            subscription_id,
            seen_at
        from begun
    ) as days
),

states as (
    select
        discounted.*,
        snapshots.known_until,
        snapshots.next_seen_at as next_snapshot_at,
        days_of_subscriptions.next_seen_at as subscription_next_seen_at,
        lead(discounted.seen_at) over (
            partition by discounted.subscription_id, discounted.item_id
            order by discounted.seen_at
        ) as item_next_seen_at
    from discounted
    inner join snapshots
        on
            discounted.source_name = snapshots.source_name
            and discounted.seen_at is not distinct from snapshots.seen_at
    inner join days_of_subscriptions
        on
            discounted.subscription_id = days_of_subscriptions.subscription_id
            and discounted.seen_at is not distinct from days_of_subscriptions.seen_at
),

-- what the next file does not list any more has ended by then, and nothing says why
states_and_ends as (
    select
        *,
        false as is_gone,
        false as is_removed
    from states

    union all

    select
        *,
        subscription_next_seen_at is null as is_gone,
        subscription_next_seen_at is not null as is_removed
    from states
    where
        status <> 'canceled'
        and (
            subscription_next_seen_at < item_next_seen_at
            or (
                item_next_seen_at is null
                and coalesce(subscription_next_seen_at, next_snapshot_at) is not null
            )
        )
)

select
    subscription_id,
    item_id,
    customer_id,
    case
        when is_removed then subscription_next_seen_at
        when is_gone then next_snapshot_at
        else seen_at
    end as seen_at,
    coalesce(
        known_until,
        current_period_start,
        case when status <> 'trialing' then trial_end end
    ) as known_until,
    case when item_first_seen_at > first_seen_at then seen_at else first_started_at end as began_at,
    is_gone,
    case when is_gone or is_removed then 'canceled' else status end as status,
    is_collection_paused,
    trial_end as trial_ends_at,
    current_period_start as current_period_began_at,
    current_period_end as current_period_ends_at,
    case
        when is_removed then subscription_next_seen_at
        when is_gone then next_snapshot_at
        else ended_at
    end as ended_at,
    case when not is_gone and not is_removed then cancel_at end as planned_end_at,
    case when not is_removed then canceled_at end as cancel_requested_at,
    case
        when is_removed then null
        when status = 'unpaid' then coalesce(cancel_reason, 'payment_failed')
        else cancel_reason
    end as cancel_reason,
    is_payment_failed or status = 'unpaid' as is_payment_failed,
    -- Stripe moves on to the next period whether or not it was paid
    case
        when not is_removed and status not in ('past_due', 'unpaid') and not is_payment_failed
            then current_period_end
    end as paid_through_at,
    items_price_id as plan_id,
    -- a price with fractions of a cent has no room for itself
    {{ as_amount(
        'case when is_metered then 0'
        ~ ' when abs(unit_price * 100 - round(unit_price * 100)) < 0.000001 then unit_price'
        ~ ' else price end'
    ) }} as amount,
    case
        when abs(unit_price * 100 - round(unit_price * 100)) < 0.000001 then quantity
        else 1
    end as quantity,
    {{ as_amount('discount') }} as discount_amount,
    discounts_start as discount_began_at,
    discounts_end as discount_ends_at,
    currency,
    billing_interval,
    billing_interval_count
from states_and_ends
