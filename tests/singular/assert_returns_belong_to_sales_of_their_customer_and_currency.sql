-- A return and its sale are completed orders of one customer in one currency. The return names the
-- sale, or names nothing and follows it in time.
select
    returns.order_id,
    sales.order_id as sale_order_id
from {{ ref('fct_orders') }} as returns
left join {{ ref('fct_orders') }} as sales
    on returns.sale_order_id = sales.order_id
where
    returns.sale_order_id is not null
    and not coalesce(
        returns.order_type = 'return'
        and returns.status in ('completed', 'refunded')
        and sales.order_type = 'sale'
        and sales.status in ('completed', 'refunded')
        and returns.customer_id = sales.customer_id
        and returns.currency = sales.currency
        and coalesce(
            returns.original_order_id = returns.sale_order_id,
            returns.customer_id <> 'anonymous'
            and {{ days_between('sales.order_date', 'returns.order_date') }}
            between 0 and {{ var('return_match_days') }}
        ), false
    )
