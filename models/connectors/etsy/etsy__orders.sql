-- Grain: one row per Etsy order.
select
    order_id,
    source_name,
    max(customer_id) as customer_id,
    min(sale_date) as ordered_at,
    {{ as_amount('sum(item_total)') }} as amount,
    {{ as_amount('sum(coalesce(discount_amount, 0))') }} as discount_amount,
    max(order_sales_tax) as tax_amount,
    max(currency) as currency,
    max(sales_channel) as sales_channel
from {{ ref('etsy__rows') }}
group by order_id, source_name
