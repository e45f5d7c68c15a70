-- Grain: one row per accepted row of orders.
{{ staging_model('orders', is_monetary=true) }}
