-- Grain: one row per accepted row of customers.
{{ staging_model('customers') }}
