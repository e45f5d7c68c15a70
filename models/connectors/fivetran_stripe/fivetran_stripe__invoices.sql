-- Grain: one row per invoice that was sent, with the key of the customer.

with

invoices as (
    {{ exported('fivetran_stripe.invoice') }}
),

-- newer connections know the subscription from the lines alone
subscriptions_of_lines as (
    select
        invoice_id,
        max(subscription_id) as subscription_id
    from ({{ exported('fivetran_stripe.invoice_line_item') }}) as lines
    group by invoice_id
)

select
    invoices.id,
    invoices.source_name,
    people.customer_id,
    coalesce(invoices.created, invoices.date) as created,
    invoices.status,
    coalesce(invoices.subscription_id, subscriptions_of_lines.subscription_id) as subscription,
    invoices.currency,
    coalesce(invoices.subtotal_excluding_tax, invoices.subtotal) as subtotal_excluding_tax,
    coalesce(invoices.total_excluding_tax, invoices.total - coalesce(invoices.tax, 0))
        as total_excluding_tax,
    invoices.total,
    invoices.pre_payment_credit_notes_amount,
    invoices.post_payment_credit_notes_amount
from invoices
left join subscriptions_of_lines
    on invoices.id = subscriptions_of_lines.invoice_id
left join {{ ref('fivetran_stripe__people') }} as people
    on invoices.customer_id = people.native_customer_id
where
    coalesce(invoices.livemode, true)
    and not coalesce(invoices.is_deleted, false)
    and coalesce(lower(invoices.status), '') <> 'draft'
