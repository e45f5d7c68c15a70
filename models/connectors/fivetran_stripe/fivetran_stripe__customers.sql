-- Grain: one row per person known to Stripe.
select
    customer_id,
    max(native_customer_id) as source_customer_id,
    min(customer_since) as created_at,
    max(email) as email,
    max(full_name) as full_name,
    max(region) as region
from {{ ref('fivetran_stripe__people') }}
where is_live
group by customer_id
