-- Grain: one row per line of an invoice.

with

export_rows as (
    {{ exported('invoice_lines.lines') }}
),

newest as (
    select
        *,
        {{ is_of_newest_file('invoice_id') }} as is_newest,
        {{ as_amount('coalesce(line_amount, quantity * unit_price, 0)') }} as amount
    from export_rows
)

select
    {{ source_key('invoice_id') }} as order_id,
    invoice_id,
    product_id,
    product_name,
    quantity,
    amount,
    invoice_date,
    document_type,
    customer_id,
    customer_name,
    country,
    currency,
    source_name,
    file_row,
    -- without any price an invoice moves stock, or gives something away
    max(abs(amount)) over (partition by source_name, invoice_id) > 0 as is_of_order
from newest
where is_newest
