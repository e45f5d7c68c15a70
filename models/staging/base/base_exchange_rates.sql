-- Grain: one row per raw row of exchange_rates.
{{ base_model('exchange_rates') }}
