-- Grain: one row per customer, with what the shop adds to the warehouse's own dim_customers.
select
    customers.customer_id,
    customers.lifecycle_stage,
    customer_values.ltv_status,
    {{ customer_lifecycle_warehouse.rate(
        'customer_values.margin_to_date_amount', 'customer_values.net_revenue_to_date_amount'
    ) }} as margin_share
from {{ ref('customer_lifecycle_warehouse', 'dim_customers') }} as customers
inner join {{ ref('fct_customer_value') }} as customer_values
    on customers.customer_id = customer_values.customer_id
