-- Grain: one row per customer who holds one category of a bundle and lacks the other.

with

categories_held as {{ not_materialized() }} (
    select * from {{ ref('int_categories_held') }}
),

bundles as (
    select * from {{ ref('int_product_bundles') }}
    where lift > 1
)

select
    -- keys
    categories_held.customer_id,

    -- words
    bundles.other_category as product_category,
    bundles.product_category as with_category,

    -- counts
    bundles.customers,

    -- rates
    bundles.support,
    bundles.confidence,
    bundles.lift
from categories_held
inner join bundles
    on categories_held.product_category = bundles.product_category
left join categories_held as others_held
    on
        categories_held.customer_id = others_held.customer_id
        and bundles.other_category = others_held.product_category
where others_held.customer_id is null
qualify row_number() over (
    partition by categories_held.customer_id
    order by
        bundles.lift * bundles.confidence desc,
        bundles.other_category asc,
        bundles.product_category asc
) = 1
