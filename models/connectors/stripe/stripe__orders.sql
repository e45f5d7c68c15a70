-- Grain: one row per invoice of Stripe that was sent.
{{ stripe_orders(ref('stripe__invoices')) }}
