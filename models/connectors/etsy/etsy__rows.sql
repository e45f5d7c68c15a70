-- Grain: one row per line of an Etsy order.

with

export_rows as (
    {{ exported('etsy.items') }}
),

named as (
    select
        *,
        case
            when buyer like '%(%)'
                then {{ text_in('buyer', '[(]([^()]+)[)]$', 1) }}
            -- two people may have the same name, but a username has no blank
            when buyer not like '% %' then buyer
        end as username
    from export_rows
),

numbered as (
    select
        *,
        {{ is_of_newest_file('order_id') }} as is_newest,
        row_number() over (
            partition by source_name, raw_file_name, order_id, transaction_id order by file_row
        ) as row_of_line
    from named
)

select
    {{ source_key('order_id') }} as order_id,
    source_name,
    file_row,
    {{ customer_key(native_id='lower(username)') }} as customer_id,
    username,
    case
        when buyer like '%(%)' and buyer not like 'Sign in with Apple user%'
            then nullif(trim(split_part(buyer, '(', 1)), '')
    end as display_name,
    ship_country,
    sale_date,
    coalesce(sku, listing_id) as product_id,
    item_name,
    quantity,
    item_total,
    discount_amount,
    order_sales_tax,
    currency,
    order_type as sales_channel
from numbered
where is_newest and (row_of_line = 1 or transaction_id is null)
