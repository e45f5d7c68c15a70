-- Grain: one row per accepted row of marketing_spend.
{{ staging_model('marketing_spend', is_monetary=true) }}
