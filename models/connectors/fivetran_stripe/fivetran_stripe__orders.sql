-- Grain: one row per invoice that Fivetran copied from Stripe.
{{ stripe_orders(ref('fivetran_stripe__invoices')) }}
