-- Grain: one row per accepted row of exchange_rates.
{{ staging_model('exchange_rates', waits_for_findings=false) }}
