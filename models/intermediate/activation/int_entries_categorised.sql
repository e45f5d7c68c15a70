-- Grain: one row per order, entry of its revenue in the last 12 months, and category.
{{ config(materialized='table') }}

with

entries as (
    select
        entries.order_id,
        entries.customer_id,
        entries.entry_type,
        entries.margin_amount,
        entries.is_purchase
    from {{ ref('int_revenue_entries') }} as entries
    inner join {{ ref('int_run_settings') }} as settings
        on
            entries.revenue_date > {{ months_after('settings.as_of_date', -12) }}
            and entries.revenue_date <= settings.as_of_date
    where entries.customer_id <> 'anonymous'
),

category_entries as (
    {{ entries_by_category('entries', 'products.product_category') }}
)

select
    -- keys
    order_id,
    entry_type,
    product_category,
    customer_id,

    -- amounts
    {{ in_cents('margin_amount * category_share') }} as margin_amount,

    -- flags
    is_purchase
from category_entries
