-- Grain: one row per category and other category that customers buy with it in one order.

select
    -- keys
    product_category,
    other_category,

    -- counts
    customers as bundle_customers,
    orders,
    orders_with_category,
    orders_with_other,
    orders_with_both,

    -- rates
    support,
    confidence,
    {{ wilson_bound('orders_with_both', 'orders_with_category', '-') }} as ci_low,
    {{ wilson_bound('orders_with_both', 'orders_with_category', '+') }} as ci_high,
    lift
from {{ ref('int_product_bundles') }}
