-- Sales, the returns and adjustments that follow some of them, and subscriptions'
-- invoices.
with sales as (
    select
        -- nothing goes wrong with what a campaign has brought about
        if(campaign_no is null, order_no, null) as _row,
        order_id_of('O', order_no) as order_id,
        if(is_known, customer_id_of(customer_no), null) as customer_id,
        ordered_at,
        -- one order in fifty pays for delivery, which is on no line
        cents + if(rnd(order_no, 'delivery') < 0.02, 490, 0) as cents,
        currency,
        case
            when outcome in ('pending', 'cancelled', 'refunded') then outcome
            when outcome = 'partly_refunded' and rnd(order_no, 'label') < 0.5
                then 'refunded'
            when rnd(order_no, 'status') >= 0.01 then 'completed'
        end as status,
        if(rnd(order_no, 'type') < 0.02, null, 'sale') as order_type,
        if(
            rnd(order_no, 'deal') < if(is_discount_acquired, 0.3, 0.12),
            cents * pick_evenly(rnd(order_no, 'cut'), [5, 10, 15, 20]) // 100,
            null
        )::bigint as discount_cents,
        case
            -- refunded without a sum: all of it
            when outcome = 'refunded' and rnd(order_no, 'stated') >= 0.3
                then cents - coalesce(discount_cents, 0)
            when outcome = 'partly_refunded'
                then cents * (10 + floor(50 * rnd(order_no, 'part'))::int) // 100
        end as refunded_cents,
        if(outcome in ('refunded', 'partly_refunded'), settled_at, null) as refunded_at,
        null::varchar as original_order_id,
        null::varchar as subscription_id,
        if(
            rnd(order_no, 'costed') < 0.92,
            cents * (45 + floor(25 * rnd(order_no, 'cost'))::int) // 100,
            null
        )::bigint as cost_cents,
        (cents - coalesce(discount_cents, 0)) * 20 // 100 as tax_cents,
        pick(rnd(order_no, 'place'), ['online', 'store', 'app'], [0.6, 0.82])
            as sales_channel,
        outcome,
        settled_at,
        lines
    from plan_orders
    inner join plan_customers using (customer_no)
),

-- one shop books a return with a minus, the other without
returns as (
    select
        * replace (
            null as _row,
            'R' || order_id[2:] as order_id,
            settled_at as ordered_at,
            getvariable('prices')[lines[1].product_no] * lines[1].quantity
            * if(_row % 2 = 0, 1, -1) as cents,
            'completed' as status,
            'return' as order_type,
            null as discount_cents,
            order_id as original_order_id,
            null as cost_cents,
            null as tax_cents
        )
    from sales
    where outcome = 'returned'
),

adjustments as (
    select
        * replace (
            null as _row,
            'A' || order_id[2:] as order_id,
            settled_at as ordered_at,
            -500 as cents,
            'completed' as status,
            'sale' as order_type,
            null as discount_cents,
            null as cost_cents,
            null as tax_cents
        )
    from sales
    where outcome = 'adjusted'
),

invoices as (
    select
        null as _row,
        'I' || subscription_id_of(subscription_no)[2:]
        || '-' || lpad(month_no::varchar, 2, '0') as order_id,
        customer_id_of(customer_no) as customer_id,
        month_at as ordered_at,
        unit_cents * quantity as cents,
        currency,
        'completed' as status,
        'sale' as order_type,
        nullif(discount_cents, 0) as discount_cents,
        null as refunded_cents,
        null as refunded_at,
        null as original_order_id,
        subscription_id_of(subscription_no) as subscription_id,
        null as cost_cents,
        (cents - coalesce(discount_cents, 0)) * 20 // 100 as tax_cents,
        'online' as sales_channel
    from plan_subscription_months
    where is_invoiced and not is_paused and month_no % term_months = 0
),

all_orders as (
    select * from sales
    union all by name
    select * from returns
    union all by name
    select * from adjustments
    union all by name
    select * from invoices
)

select
    _row,
    order_id,
    customer_id,
    ordered_at,
    as_amount(cents) as amount,
    currency,
    status,
    order_type,
    as_amount(discount_cents) as discount_amount,
    as_amount(refunded_cents) as refunded_amount,
    refunded_at,
    original_order_id,
    subscription_id,
    as_amount(cost_cents) as cost_amount,
    as_amount(tax_cents) as tax_amount,
    sales_channel,
    coalesce(refunded_at, ordered_at) as updated_at
from all_orders
