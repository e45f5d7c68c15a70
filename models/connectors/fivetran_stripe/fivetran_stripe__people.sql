-- Grain: one row per customer id of Stripe in any table, with the key of the person.

with

customers as (
    {{ exported('fivetran_stripe.customer') }}
),

mentioned as (
    select
        id as native_customer_id,
        source_name
    from customers
    union
    select
        customer_id,
        source_name
    from ({{ exported('fivetran_stripe.subscription_history') }}) as subscriptions
    where customer_id is not null and coalesce(livemode, true)
    union
    select
        customer_id,
        source_name
    from ({{ exported('fivetran_stripe.invoice') }}) as invoices
    where customer_id is not null and coalesce(livemode, true)
),

known as (
    select
        mentioned.native_customer_id,
        mentioned.source_name,
        customers.created,
        customers.email,
        customers.name,
        customers.address_country,
        customers.livemode
    from mentioned
    left join customers
        on mentioned.native_customer_id = customers.id
)

select
    native_customer_id,
    {{ customer_key(email='email', native_id='native_customer_id') }} as customer_id,
    created as customer_since,
    lower(email) as email,
    name as full_name,
    address_country as region,
    coalesce(livemode, true) as is_live
from known
