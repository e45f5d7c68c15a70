-- Grain: one row per raw row of customers.
{{ base_model('customers') }}
