-- Grain: one row per customer and trigger.

select
    customer_id,
    cast(null as string) as trigger_name,
    cast(null as date) as due_on,
    cast(null as date) as suppressed_until,
    cast(null as string) as product_category,
    cast(0 as decimal(18, 2)) as expected_value_amount
from {{ ref('dim_customers') }}
where false
