-- Grain: one row per person who bought in a WooCommerce shop.
select
    customer_id,
    max(native_customer_id) as source_customer_id,
    max(lower(billing_email)) as email,
    max(nullif(concat_ws(' ', billing_first_name, billing_last_name), '')) as full_name,
    max(billing_country) as region
from {{ ref('woocommerce__sales') }}
where customer_id is not null
group by customer_id
