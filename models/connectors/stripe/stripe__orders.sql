-- Grain: one row per invoice of Stripe that was sent.

with

invoices as (
    select * from {{ ref('stripe__invoices') }}
),

credited as (
    select
        *,
        {{ as_amount(money_of_smallest_unit(
            'coalesce(subtotal_excluding_tax, total_excluding_tax)', 'currency'
        )) }} as amount,
        {{ as_amount(money_of_smallest_unit('total_excluding_tax', 'currency')) }} as net_amount,
        {{ as_amount(money_of_smallest_unit('total - total_excluding_tax', 'currency')) }}
            as tax_amount,
        -- a credit note covers tax as well; this is the part without it
        least(
            cast(
                coalesce(pre_payment_credit_notes_amount, 0)
                + coalesce(post_payment_credit_notes_amount, 0) as double
            ) / nullif(total, 0), 1
        ) as credited_share
    from invoices
)

select
    {{ source_key('id') }} as order_id,
    source_name,
    customer_id,
    created as ordered_at,
    amount,
    amount - net_amount as discount_amount,
    case when credited_share > 0 then {{ as_amount('net_amount * credited_share') }} end
        as refunded_amount,
    tax_amount,
    currency,
    case
        when status = 'paid' and credited_share = 1 then 'refunded'
        when status = 'paid' then 'completed'
        when status = 'open' then 'pending'
        else 'cancelled'
    end as status,
    {{ source_key('subscription') }} as subscription_id,
    'billing' as sales_channel
from credited
