-- Grain: one row per line of goods that was sold or taken back through Square.

with

export_rows as (
    {{ exported('square.items') }}
),

timed as (
    select
        *,
        {{ moment_of_local(
            local_time("cast(date as string) || ' ' || time"),
            square_zone('time_zone')
        ) }} as happened_at,
        lower(coalesce(event_type, '')) = 'refund' as is_refund
    from export_rows
),

-- a later file may have a refund of a sale in an earlier one, so an event counts, not a sale; it
-- may write its times in another zone
newest as (
    select
        *,
        {{ is_of_newest_file(
            'transaction_id, is_refund, coalesce(happened_at, cast(date as timestamp))'
        ) }} as is_newest,
        max(case when is_refund then 0 else 1 end) over (
            partition by source_name, transaction_id
        ) = 1 as has_sale
    from timed
    where
        -- a gift card is no sale until it pays for one
        replace(lower(coalesce(itemization_type, item, '')), '_', ' ') not like '%gift card%'
)

select
    {{ source_key('transaction_id') }} as order_id,
    source_name,
    raw_file_name,
    file_row,
    happened_at,
    is_refund,
    is_refund and has_sale as is_refund_of_sale,
    customer_id as native_customer_id,
    {{ customer_key(native_id='customer_id') }} as customer_id,
    customer_name,
    coalesce(sku, item, itemization_type) as product_id,
    coalesce(item, itemization_type) as product_name,
    -- words for no category
    case when lower(category) not in ('none', 'uncategorized') then category end
        as product_category,
    qty as quantity,
    coalesce(discounts, 0) as discounts,
    net_sales,
    tax,
    coalesce(channel, location) as sales_channel
from newest
where is_newest
