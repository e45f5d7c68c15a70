-- Grain: one row per accepted row of loyalty_memberships.
{{ staging_model('loyalty_memberships') }}
