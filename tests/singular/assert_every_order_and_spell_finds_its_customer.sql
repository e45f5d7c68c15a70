-- No order and no spell is lost in a join with the customers, anonymous orders included.
select orders.customer_id
from {{ ref('fct_orders') }} as orders
left join {{ ref('dim_customers') }} as customers
    on orders.customer_id = customers.customer_id
where customers.customer_id is null

union all

select spells.customer_id
from {{ ref('fct_activity_spells') }} as spells
left join {{ ref('dim_customers') }} as customers
    on spells.customer_id = customers.customer_id
where customers.customer_id is null or customers.is_anonymous
