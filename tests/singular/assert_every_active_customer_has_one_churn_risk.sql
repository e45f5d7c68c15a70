-- Every customer who is active has one churn risk, and nobody else has one.
select
    customers.customer_id as active_customer_id,
    risks.customer_id
from (
    select * from {{ ref('dim_customers') }}
    where is_active
) as customers
full outer join {{ ref('fct_churn_risk') }} as risks
    on customers.customer_id = risks.customer_id
where customers.customer_id is null or risks.customer_id is null
