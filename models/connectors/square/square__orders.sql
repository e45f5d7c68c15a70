-- Grain: one row per Square sale, or refund without a sale.

with

totals as (
    select
        order_id,
        source_name,
        max(customer_id) as customer_id,
        min(case when not is_refund_of_sale then happened_at end) as ordered_at,
        sum(case when not is_refund_of_sale then net_sales else 0 end) as net_sales,
        sum(case when not is_refund_of_sale then discounts else 0 end) as discounts,
        sum(case when not is_refund_of_sale then tax end) as tax,
        sum(case when is_refund_of_sale then net_sales end) as taken_back,
        max(case when is_refund_of_sale then happened_at end) as refunded_at,
        -- a moment is missing where one of its rows has none
        count(case when not is_refund_of_sale and happened_at is null then 1 end) as untimed_rows,
        max(case when is_refund and not is_refund_of_sale then 1 else 0 end) = 1 as is_return,
        max(sales_channel) as sales_channel
    from {{ ref('square__rows') }}
    group by order_id, source_name
)

select
    order_id,
    source_name,
    customer_id,
    case when untimed_rows = 0 then ordered_at end as ordered_at,
    -- a return has no discount of its own: it takes back what was paid
    {{ as_amount('case when is_return then abs(net_sales) else net_sales - discounts end') }}
        as amount,
    {{ as_amount('case when not is_return then -discounts end') }} as discount_amount,
    case
        when taken_back < 0
            then {{ as_amount('least(-taken_back, greatest(net_sales, 0))') }}
    end as refunded_amount,
    refunded_at,
    {{ as_amount('case when is_return then abs(tax) else tax end') }} as tax_amount,
    case when taken_back <= -net_sales and net_sales > 0 then 'refunded' else 'completed' end
        as status,
    case when is_return then 'return' else 'sale' end as order_type,
    sales_channel
from totals
