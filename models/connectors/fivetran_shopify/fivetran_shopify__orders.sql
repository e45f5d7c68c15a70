-- Grain: one row per Shopify order of goods.

with

sales as (
    select
        *,
        lower(financial_status) as paid_word,
        lower(fulfillment_status) as sent_word
    from {{ ref('fivetran_shopify__sales') }}
)

select
    sales.order_id,
    sales.source_name,
    sales.person_id as customer_id,
    coalesce(sales.processed_at, sales.created_at) as ordered_at,
    sales.amount,
    sales.goods_discount as discount_amount,
    case
        when sales.paid_word = 'refunded' then sales.amount - sales.goods_discount
        when refunds.order_id is not null
            then least(refunds.refunded_amount, sales.amount - sales.goods_discount)
    end as refunded_amount,
    refunds.refunded_at,
    sales.goods_cost as cost_amount,
    sales.total_tax as tax_amount,
    sales.currency,
    {{ shopify_status(
        'sales.paid_word', 'sales.sent_word', 'sales.cancelled_at'
    ) }} as status,
    sales.channel as sales_channel
from sales
left join {{ ref('fivetran_shopify__refunds') }} as refunds
    on sales.order_id = refunds.order_id
