-- Grain: one row per raw row of loyalty_memberships.
{{ base_model('loyalty_memberships') }}
