-- Grain: one row per person known to Stripe.

with

people as (
    select
        customer_id,
        native_customer_id,
        email,
        customer_name as full_name,
        customer_country as region
    from {{ ref('stripe__rows') }}

    union all

    select
        customer_id,
        native_customer_id,
        email,
        customer_name as full_name,
        customer_country as region
    from {{ ref('stripe__invoices') }}
)

select
    customer_id,
    max(native_customer_id) as source_customer_id,
    max(email) as email,
    max(full_name) as full_name,
    max(region) as region
from people
where customer_id is not null
group by customer_id
