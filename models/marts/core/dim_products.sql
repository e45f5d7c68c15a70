-- Grain: one row per product, known from the products or only from an order line.

select
    -- keys
    product_id,

    -- words
    product_name,
    product_category,

    -- flags
    is_described
from {{ ref('int_products') }}
