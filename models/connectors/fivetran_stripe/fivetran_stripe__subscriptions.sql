-- Grain: one row per version of an item of a Stripe subscription.
{{ stripe_versions(ref('fivetran_stripe__states')) }}
