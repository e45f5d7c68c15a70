-- Grain: one row per item of an Amazon order.

with

export_rows as (
    {{ exported('amazon.all_orders') }}
),

-- the names of the files say nothing about their order
dated as (
    select
        *,
        max(last_updated_date) over (
            partition by source_name, raw_file_name, amazon_order_id
        ) as updated_at
    from export_rows
),

ranked as (
    select
        *,
        dense_rank() over (
            partition by source_name, amazon_order_id
            order by updated_at desc nulls last, raw_file_name desc
        ) as file_rank,
        case
            when vat_exclusive_item_price is not null then vat_exclusive_item_price
            when currency in ('USD', 'CAD') then item_price
            else item_price - coalesce(item_tax, 0)
        end as net_price,
        lower(order_status) as status_word
    from dated
),

ordered_items as (
    select
        {{ source_key('amazon_order_id') }} as order_id,
        source_name,
        raw_file_name,
        file_row,
        purchase_date as ordered_at,
        case
            when status_word like 'cancel%' then 'cancelled'
            -- sent in vain: the buyer did not take it
            when status_word like '%return%' or status_word like '%reject%' then 'refunded'
            when status_word like 'shipped%' or status_word = 'complete' then 'completed'
            else 'pending'
        end as status,
        sales_channel,
        coalesce(sku, asin, product_name) as product_id,
        product_name,
        quantity,
        currency,
        coalesce(net_price, 0) as amount,
        coalesce(
            {{ in_cents(
                'abs(item_promotion_discount)'
                ~ ' * coalesce(cast(net_price as double) / nullif(item_price, 0), 1)'
            ) }},
            0
        ) as discount_amount,
        item_tax as tax_amount,
        -- of an order that was sent, some items may be cancelled
        status_word not like 'cancel%' and lower(item_status) like 'cancel%' as is_cancelled_item,
        coalesce(lower(sales_channel), '') like 'non-amazon%' as is_of_other_shop
    from ranked
    where file_rank = 1
),

paid_orders as (
    select distinct order_id
    from {{ ref('amazon__payments') }}
    where is_sale
),

-- in a file that is older than its payment an order is pending, often without a price
known_items as (
    select ordered_items.*
    from ordered_items
    left join paid_orders
        on ordered_items.order_id = paid_orders.order_id
    where ordered_items.status <> 'pending' or paid_orders.order_id is null
)

select
    order_id,
    source_name,
    raw_file_name,
    file_row,
    ordered_at,
    status,
    sales_channel,
    product_id,
    product_name,
    quantity,
    currency,
    amount,
    discount_amount,
    tax_amount
from known_items
where not coalesce(is_cancelled_item, false) and not is_of_other_shop

union all

select
    payments.order_id,
    payments.source_name,
    payments.raw_file_name,
    payments.file_row,
    payments.paid_at as ordered_at,
    'completed' as status,
    payments.marketplace as sales_channel,
    payments.product_id,
    payments.product_name,
    payments.quantity,
    payments.currency,
    payments.amount,
    payments.discount_amount,
    payments.tax_amount
from {{ ref('amazon__payments') }} as payments
left join (
    select distinct order_id
    from known_items
) as known_orders
    on payments.order_id = known_orders.order_id
where payments.is_sale and known_orders.order_id is null
