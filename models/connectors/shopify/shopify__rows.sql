-- Grain: one row per row of a Shopify orders export: a line, with the order that it belongs to.

with

export_rows as (
    {{ exported('shopify.orders') }}
),

variants as (
    {{ exported('shopify.products') }}
),

-- the category stands on the first row of a handle
categorised as (
    select
        *,
        max(type) over (partition by raw_file_name, handle) as category,
        {{ is_of_newest_file('variant_sku') }} as is_newest
    from variants
),

products as (
    select
        source_name as shop_name,
        variant_sku,
        max(category) as category,
        max(cost_per_item) as unit_cost,
        max(case when gift_card then 1 when not gift_card then 0 end) = 1 as is_gift_card
    from categorised
    where variant_sku is not null and is_newest
    group by source_name, variant_sku
),

-- only the first row of an order has its id, and the other rows follow it
tied as (
    select
        *,
        {{ last_not_null(
            'id', '(partition by raw_file_name order by file_row rows unbounded preceding)'
        ) }} as id_above,
        {{ last_not_null(
            'case when id is not null then name end',
            '(partition by raw_file_name order by file_row rows unbounded preceding)'
        ) }} as name_above,
        -- in a file that was sorted they do not
        max(id) over (partition by raw_file_name, name) as id_of_name
    from export_rows
),

identified as (
    select
        *,
        case when name = name_above then id_above else id_of_name end as native_order_id
    from tied
),

newest as (
    select
        *,
        {{ is_of_newest_file('native_order_id') }} as is_newest
    from identified
)

select
    newest.*,
    {{ source_key('newest.native_order_id') }} as order_id,
    {{ customer_key(
        email='newest.email',
        phone='coalesce(newest.phone, newest.billing_phone, newest.shipping_phone)',
    ) }} as customer_id,
    coalesce(newest.lineitem_sku, newest.lineitem_name) as product_id,
    products.category as product_category,
    case
        when newest.lineitem_sku is null and newest.vendor is null and newest.lineitem_name = 'Tip'
            then 'tip'
        when coalesce(products.is_gift_card, lower(newest.lineitem_name) like '%gift card%')
            then 'gift card'
        else 'goods'
    end as line_kind,
    newest.lineitem_quantity * newest.lineitem_price as line_price,
    newest.lineitem_quantity * products.unit_cost as line_cost
from newest
left join products
    on
        newest.source_name = products.shop_name
        and newest.lineitem_sku = products.variant_sku
where newest.is_newest
