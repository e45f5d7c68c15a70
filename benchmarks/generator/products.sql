-- The last one is never sold: it is the one whose number gets lost, so that no sale
-- misses its product.
with listed as (
    select
        (category_no - 1) * 5 + unnest(range(1, 6)) as product_no,
        unnest(names) as product_name,
        category as product_category
    from product_categories

    union all

    select
        41 as product_no,
        'Gift card' as product_name,
        'vouchers' as product_category
)

select
    (product_no + 6) % 41 as _row,
    'P' || lpad(product_no::varchar, 2, '0') as product_id,
    product_name,
    product_category
from listed
