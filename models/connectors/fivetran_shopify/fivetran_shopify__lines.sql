-- Grain: one row per line of a Shopify order.

with

order_lines as (
    {{ current_rows('fivetran_shopify.order_line') }}
),

-- a product that was deleted in the shop keeps its category
categories as (
    select
        id,
        max(product_type) as category
    from ({{ exported('fivetran_shopify.product') }}) as products
    group by id
),

costs as (
    select
        variants.id as variant_id,
        max(inventory_items.cost) as unit_cost
    from ({{ exported('fivetran_shopify.product_variant') }}) as variants
    inner join ({{ exported('fivetran_shopify.inventory_item') }}) as inventory_items
        on variants.inventory_item_id = inventory_items.id
    group by variants.id
)

select
    order_lines.id as line_id,
    order_lines.source_name || '-' || order_lines.order_id as order_id,
    coalesce(order_lines.sku, order_lines.name) as product_id,
    order_lines.name as product_name,
    categories.category as product_category,
    case
        when order_lines.sku is null and order_lines.vendor is null and order_lines.name = 'Tip'
            then 'tip'
        when order_lines.gift_card or lower(order_lines.name) like '%gift card%' then 'gift card'
        else 'goods'
    end as line_kind,
    order_lines.quantity,
    order_lines.quantity * order_lines.price as line_price,
    order_lines.quantity * costs.unit_cost as line_cost
from order_lines
left join categories
    on order_lines.product_id = categories.id
left join costs
    on order_lines.variant_id = costs.variant_id
