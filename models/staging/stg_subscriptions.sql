-- Grain: one row per accepted row of subscriptions.
{{ staging_model('subscriptions', is_monetary=true) }}
