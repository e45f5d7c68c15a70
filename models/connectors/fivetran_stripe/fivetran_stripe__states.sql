-- Grain: one row per item of a Stripe subscription and row of its history.

with

history as (
    select
        *,
        max(_fivetran_synced) over () as known_until,
        lead(_fivetran_start) over (partition by id order by _fivetran_start) as next_start
    from ({{ exported('fivetran_stripe.subscription_history') }}) as subscriptions
    where
        coalesce(livemode, true)
        -- a subscription whose first payment failed never began
        and coalesce(status, '') not like 'incomplete%'
        -- without times of its rows, only the newest one has a place
        and (_fivetran_start is not null or coalesce(_fivetran_active, true))
),

items as (
    select
        *,
        coalesce(price_id, plan_id) as any_price_id
    from ({{ exported('fivetran_stripe.subscription_item') }}) as subscription_items
    where coalesce(_fivetran_active, true)
),

prices as (
    select
        id,
        coalesce(unit_amount_decimal, unit_amount) as unit_amount,
        currency,
        recurring_interval as billing_interval,
        recurring_interval_count as billing_interval_count,
        recurring_usage_type as usage_type,
        0 as is_plan
    from ({{ exported('fivetran_stripe.price') }}) as price

    union all

    select
        id,
        amount as unit_amount,
        currency,
        billing_interval,
        interval_count as billing_interval_count,
        usage_type,
        1 as is_plan
    from ({{ exported('fivetran_stripe.plan') }}) as plan
),

prices_numbered as (
    select
        *,
        row_number() over (
            partition by id order by unit_amount asc nulls last, is_plan asc
        ) as price_number
    from prices
),

discounts as (
    select
        subscription_id,
        coupon_id,
        began_at as discount_began_at,
        ends_at as discount_ends_at
    from ({{ exported('fivetran_stripe.subscription_discount') }}) as subscription_discount
    where subscription_id is not null and invoice_id is null

    union all

    select
        subscription_id,
        coupon_id,
        began_at as discount_began_at,
        ends_at as discount_ends_at
    from ({{ exported('fivetran_stripe.discount') }}) as discount
    where subscription_id is not null and invoice_id is null
),

-- the latest discount of a subscription that reduces a price, and not one invoice
discounts_numbered as (
    select
        discounts.*,
        coupons.percent_off,
        coupons.amount_off,
        row_number() over (
            partition by discounts.subscription_id
            order by discounts.discount_began_at desc nulls last, discounts.coupon_id asc
        ) as discount_number
    from discounts
    inner join ({{ exported('fivetran_stripe.coupon') }}) as coupons
        on discounts.coupon_id = coupons.id
    where coalesce(coupons.duration, 'forever') <> 'once'
),

itemised as (
    select
        history.*,
        items.id as item_id,
        coalesce(items.quantity, 1) as item_quantity,
        items.created as item_created,
        case when history.next_start is null then items.current_period_start end
            as item_period_start,
        case when history.next_start is null then items.current_period_end end as item_period_end,
        items.any_price_id,
        prices.currency,
        prices.billing_interval,
        coalesce(prices.billing_interval_count, 1) as billing_interval_count,
        coalesce(prices.usage_type, '') = 'metered' as is_metered,
        discounts.percent_off,
        discounts.amount_off,
        discounts.discount_began_at,
        discounts.discount_ends_at,
        people.customer_id as customer_key,
        {{ money_of_smallest_unit('prices.unit_amount', 'prices.currency') }} as unit_price
    from history
    left join items
        on
            history.id = items.subscription_id
            -- an item that was added later is in no row that ended before
            and (history.next_start is null or history.next_start > items.created)
    left join prices_numbered as prices
        on
            items.any_price_id = prices.id
            and prices.price_number = 1
    left join discounts_numbered as discounts
        on history.id = discounts.subscription_id and discounts.discount_number = 1
    left join {{ ref('fivetran_stripe__people') }} as people
        on history.customer_id = people.native_customer_id
),

priced as (
    select
        *,
        case when is_metered then 0 else unit_price * item_quantity end as price
    from itemised
)

select
    {{ source_key('id') }} as subscription_id,
    item_id,
    customer_key as customer_id,
    _fivetran_start as seen_at,
    known_until,
    case
        when cast(item_created as date) > {{ days_after('cast(created as date)', 1) }}
            then item_created
        else coalesce(start_date, created)
    end as began_at,
    false as is_gone,
    status,
    pause_collection_behavior is not null as is_collection_paused,
    trial_end as trial_ends_at,
    coalesce(current_period_start, item_period_start) as current_period_began_at,
    coalesce(current_period_end, item_period_end) as current_period_ends_at,
    ended_at,
    coalesce(
        cancel_at,
        case when cancel_at_period_end then coalesce(current_period_end, item_period_end) end
    ) as planned_end_at,
    canceled_at as cancel_requested_at,
    case
        when status = 'unpaid' then 'payment_failed'
        else coalesce(cancellation_details_feedback, cancellation_details_reason)
    end as cancel_reason,
    status = 'unpaid' or coalesce(cancellation_details_reason = 'payment_failed', false)
        as is_payment_failed,
    -- Stripe moves on to the next period whether or not it was paid
    case
        when
            status not in ('past_due', 'unpaid')
            and coalesce(cancellation_details_reason, '') <> 'payment_failed'
            then coalesce(current_period_end, item_period_end)
    end as paid_through_at,
    any_price_id as plan_id,
    -- a price with fractions of a cent has no room for itself
    {{ as_amount(
        'case when is_metered then 0'
        ~ ' when abs(unit_price * 100 - round(unit_price * 100)) < 0.000001 then unit_price'
        ~ ' else price end'
    ) }} as amount,
    case
        when abs(unit_price * 100 - round(unit_price * 100)) < 0.000001 then item_quantity
        else 1
    end as quantity,
    {{ as_amount(
        'coalesce(price * percent_off / 100, 0) + coalesce('
        ~ money_of_smallest_unit('amount_off', 'currency')
        ~ ' * price / nullif(sum(price) over (partition by id, _fivetran_start), 0), 0)'
    ) }} as discount_amount,
    discount_began_at,
    discount_ends_at,
    currency,
    billing_interval,
    billing_interval_count
from priced
