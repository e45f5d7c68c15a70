-- Grain: one row per Shopify order of goods.

with

sales as (
    select
        *,
        replace(lower(financial_status), ' ', '_') as state,
        -- an edited order may cost more than its lines say
        {{ in_cents('(goods - least(off_goods, 0)) * net_share') }} as amount,
        {{ in_cents('greatest(off_goods, 0) * net_share') }} as goods_discount
    from {{ ref('shopify__sales') }}
),

refunds as (
    select
        {{ source_key('order_id') }} as order_id,
        max(created_at) as refunded_at
    from ({{ exported('shopify.transactions') }}) as transactions
    where lower(kind) = 'refund' and lower(status) = 'success'
    group by {{ source_key('order_id') }}
)

select
    sales.order_id,
    sales.source_name,
    sales.customer_id,
    sales.created_at as ordered_at,
    sales.amount,
    sales.goods_discount as discount_amount,
    -- a refund covers goods, tax and delivery; this is the part for goods
    case
        when
            sales.refunded_amount > 0
            and sales.refunded_amount
            >= coalesce(sales.paid, sales.amount - sales.goods_discount)
            then sales.amount - sales.goods_discount
        when sales.refunded_amount > 0
            then {{ in_cents(
                '(sales.amount - sales.goods_discount)'
                ~ ' * coalesce(' ~ rate('sales.refunded_amount', 'sales.paid') ~ ', '
                ~ rate('sales.refunded_amount', '(sales.amount - sales.goods_discount)') ~ ')'
            ) }}
    end as refunded_amount,
    refunds.refunded_at,
    sales.goods_cost as cost_amount,
    sales.taxes as tax_amount,
    sales.currency,
    {{ shopify_status(
        'sales.state', 'lower(sales.fulfillment_status)', 'sales.cancelled_at'
    ) }} as status,
    sales.source as sales_channel
from sales
left join refunds
    on sales.order_id = refunds.order_id
