-- Grain: one row per Shopify order that is no test.

with

orders as (
    {{ current_rows('fivetran_shopify.order') }}
)

select
    *,
    {{ source_key('id') }} as order_id,
    -- as the CSV exports make it, which know no key of the buyer
    {{ customer_key(
        email='email',
        phone='coalesce(phone, billing_address_phone, shipping_address_phone)',
        native_id='customer_id',
    ) }} as person_id
from orders
where not coalesce(test, false)
