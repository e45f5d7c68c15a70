-- Grain: one row per customer of an invoice, also of one without a price.

with

customers as (
    select
        source_name,
        customer_id as native_id,
        max(customer_name) as full_name,
        max(country) as region
    from {{ ref('invoice_lines__rows') }}
    where customer_id is not null
    group by source_name, customer_id
)

select
    {{ customer_key(native_id='native_id') }} as customer_id,
    native_id as source_customer_id,
    full_name,
    region
from customers
