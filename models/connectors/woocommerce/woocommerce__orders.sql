-- Grain: one row per WooCommerce order.
select
    order_id,
    source_name,
    customer_id,
    order_date as ordered_at,
    {{ as_amount('paid_for_goods + discount') }} as amount,
    {{ as_amount('discount') }} as discount_amount,
    -- a refund covers goods, tax and delivery; this is the part for goods
    case
        when paid_back > 0
            then {{ in_cents(
                'greatest(paid_for_goods, 0)'
                ~ ' * case when paid_back < order_total then paid_back / order_total else 1 end'
            ) }}
    end as refunded_amount,
    tax_total as tax_amount,
    order_currency as currency,
    case
        when state in ('completed', 'processing') then 'completed'
        when state in ('on-hold', 'pending', 'pending-payment') then 'pending'
        when state in ('cancelled', 'failed') then 'cancelled'
        -- `refunded`, and words of other plugins, which are rejected by name
        else coalesce(state, 'unknown')
    end as status,
    created_via as sales_channel
from {{ ref('woocommerce__sales') }}
