-- Grain: one row per version of an item of a Stripe subscription.
{{ stripe_versions(ref('stripe__states')) }}
