-- Grain: one row per person known to Shopify.

with

people as (
    select
        customer_id,
        cast(null as string) as source_customer_id,
        lower(email) as email,
        billing_name as full_name,
        billing_country as region
    from {{ ref('shopify__rows') }}
    where id is not null and coalesce(payment_method, '') <> 'bogus'

    union all

    select
        {{ customer_key(
            email='email',
            phone='coalesce(phone, default_address_phone)',
            native_id="ltrim(customer_id, '''')",
        ) }} as customer_id,
        ltrim(customer_id, '''') as source_customer_id,
        lower(email) as email,
        nullif(concat_ws(' ', first_name, last_name), '') as full_name,
        coalesce(country_code, country) as region
    from ({{ exported('shopify.customers') }}) as customers
)

select
    customer_id,
    max(source_customer_id) as source_customer_id,
    max(email) as email,
    max(full_name) as full_name,
    max(region) as region
from people
where customer_id is not null
group by customer_id
