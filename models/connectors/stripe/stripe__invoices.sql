-- Grain: one row per invoice of Stripe that was sent, as the newest file has it.

with

export_rows as (
    {{ exported('stripe.invoices') }}
),

newest as (
    select
        *,
        {{ is_of_newest_file('id') }} as is_newest,
        -- as for subscriptions: the first address that is known stays
        {{ last_not_null(
            'customer_email',
            '(partition by source_name, coalesce(customer_id, customer_email)'
            ~ ' order by created desc, id desc, raw_file_name desc, file_row desc'
            ~ ' rows between unbounded preceding and unbounded following)'
        ) }} as known_email
    from export_rows
    where coalesce(livemode, true)
),

keyed as (
    select
        *,
        {{ customer_key(email='known_email', native_id='customer_id') }} as own_customer_key
    from newest
    where is_newest and coalesce(lower(status), '') <> 'draft'
),

-- a subscriber has the same key on invoices
subscribers as (
    select distinct
        source_name,
        native_customer_id,
        customer_id
    from {{ ref('stripe__rows') }}
)

select
    keyed.id,
    keyed.source_name,
    keyed.customer_id as native_customer_id,
    coalesce(subscribers.customer_id, keyed.own_customer_key) as customer_id,
    case when subscribers.customer_id is null then lower(keyed.known_email) end as email,
    keyed.customer_name,
    keyed.customer_country,
    keyed.created,
    keyed.status,
    keyed.subscription,
    keyed.currency,
    keyed.subtotal_excluding_tax,
    keyed.total_excluding_tax,
    keyed.total,
    keyed.pre_payment_credit_notes_amount,
    keyed.post_payment_credit_notes_amount
from keyed
left join subscribers
    on
        keyed.source_name = subscribers.source_name
        and keyed.customer_id = subscribers.native_customer_id
