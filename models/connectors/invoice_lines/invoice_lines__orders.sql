-- Grain: one row per invoice or credit note.

with

invoices as (
    select
        order_id,
        source_name,
        max(customer_id) as customer_id,
        min(invoice_date) as ordered_at,
        sum(amount) as amount,
        max(currency) as currency,
        max(case
            when
                {{ matches('invoice_id', var('credit_note_pattern')) }}
                or is_credit
                then 1
            else 0
        end) = 1 as is_credit_note,
        sum(case when quantity < 0 then amount else 0 end) as returned_amount
    from {{ ref('invoice_lines__rows') }}
    where is_of_order
    group by order_id, source_name
)

select
    order_id,
    source_name,
    {{ customer_key(native_id='customer_id') }} as customer_id,
    ordered_at,
    {{ as_amount('amount') }} as amount,
    currency,
    case
        -- a negative sum of units that stay, such as a bad debt, takes back no purchase
        when is_credit_note or (amount < 0 and returned_amount < 0) then 'return'
        else 'sale'
    end as order_type
from invoices
