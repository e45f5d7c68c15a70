-- Grain: one row per two different categories that customers buy in one order, in each of both directions.

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
