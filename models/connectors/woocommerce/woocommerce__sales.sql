-- Grain: one row per WooCommerce order.

with

export_rows as (
    {{ exported('woocommerce.orders') }}
),

identified as (
    select
        *,
        coalesce(order_id, order_number) as native_order_id,
        -- wc-on-hold and On hold are the same
        replace(replace(lower(status), 'wc-', ''), ' ', '-') as state,
        coalesce(fee_total, 0) as fees,
        abs(coalesce(discount_total, 0)) as coupons,
        abs(coalesce(
            refunded_total, {{ sum_of_numbers_after('refund_items', 'amount:') }}
        )) as paid_back
    from export_rows
),

-- the rows of an order repeat its values
numbered as (
    select
        *,
        {{ is_of_newest_file('native_order_id') }} as is_newest,
        row_number() over (
            partition by source_name, raw_file_name, native_order_id order by file_row
        ) as row_of_order
    from identified
    where native_order_id is not null
)

select
    {{ source_key('native_order_id') }} as order_id,
    source_name,
    {{ customer_key(
        email='billing_email',
        phone='billing_phone',
        native_id='customer_id',
    ) }} as customer_id,
    customer_id as native_customer_id,
    billing_email,
    billing_first_name,
    billing_last_name,
    billing_country,
    order_date,
    state,
    order_total
    - coalesce(tax_total, 0)
    - coalesce(shipping_total, 0)
    - greatest(fees, 0) as paid_for_goods,
    coupons - least(fees, 0) as discount,
    order_total,
    tax_total,
    paid_back,
    order_currency,
    created_via
from numbered
where
    is_newest
    and row_of_order = 1
    and coalesce(state, '') not in ('checkout-draft', 'auto-draft', 'draft', 'trash')
