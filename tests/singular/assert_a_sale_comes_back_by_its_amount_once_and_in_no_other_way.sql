-- A sale that a return found by its amount has no other return and no refund.
select sales.order_id
from {{ ref('fct_orders') }} as sales
inner join {{ ref('fct_orders') }} as returns
    on sales.order_id = returns.sale_order_id
group by sales.order_id
having
    count(case when returns.original_order_id is null then 1 end) > 0
    and (count(*) > 1 or max(sales.refunded_amount) <> 0)
