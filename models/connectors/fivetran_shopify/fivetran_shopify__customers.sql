-- Grain: one row per person known to Shopify.

with

people as (
    select
        person_id as customer_id,
        customer_id as source_customer_id,
        cast(null as timestamp) as created_at,
        lower(email) as email,
        billing_address_name as full_name,
        billing_address_country_code as region
    from {{ ref('fivetran_shopify__buyers') }}

    union all

    select
        {{ customer_key(email='email', phone='phone', native_id='id') }} as customer_id,
        id as source_customer_id,
        created_at,
        lower(email) as email,
        nullif(concat_ws(' ', first_name, last_name), '') as full_name,
        cast(null as string) as region
    from ({{ current_rows('fivetran_shopify.customer') }}) as customers
)

select
    customer_id,
    max(source_customer_id) as source_customer_id,
    min(created_at) as created_at,
    max(email) as email,
    max(full_name) as full_name,
    max(region) as region
from people
where customer_id is not null
group by customer_id
