-- Grain: one row per customer of Square's directory who bought.
select
    customer_id,
    max(native_customer_id) as source_customer_id,
    max(customer_name) as full_name
from {{ ref('square__rows') }}
where customer_id is not null
group by customer_id
