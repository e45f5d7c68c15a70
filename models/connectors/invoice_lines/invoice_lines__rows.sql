-- Grain: one row per line of an invoice.

with

export_rows as (
    {{ exported('invoice_lines.lines') }}
),

-- an invoice and a credit note may have the same number
told_apart as (
    select
        *,
        case when lower(document_type) like '%credit%' then '-credit' else '' end as kind
    from export_rows
),

newest as (
    select
        *,
        {{ is_of_newest_file('invoice_id, kind') }} as is_newest,
        {{ as_amount('coalesce(line_amount, quantity * unit_price, 0)') }} as amount
    from told_apart
)

select
    {{ source_key('invoice_id || kind') }} as order_id,
    invoice_id,
    product_id,
    product_name,
    quantity,
    amount,
    invoice_date,
    kind = '-credit' as is_credit,
    customer_id,
    customer_name,
    country,
    currency,
    source_name,
    file_row,
    -- without any price an invoice moves stock, or gives something away
    max(abs(amount)) over (partition by source_name, invoice_id, kind) > 0 as is_of_order
from newest
where is_newest
