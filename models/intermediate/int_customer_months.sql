-- Grain: one row per customer, relationship and month in which the customer bought or money moved.

select
    customer_id,
    relationship,
    {{ month_start('revenue_date') }} as activity_month,
    {{ as_amount('sum(revenue_amount)') }} as revenue_amount,
    {{ as_amount('sum(margin_amount)') }} as margin_amount,
    max(case when is_purchase then 1 else 0 end) = 1 as is_purchasing
from {{ ref('int_revenue_entries') }}
where customer_id <> 'anonymous'
group by customer_id, relationship, {{ month_start('revenue_date') }}
