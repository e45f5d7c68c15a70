-- Grain: one row per raw row of marketing_spend.
{{ base_model('marketing_spend', exchange_rates=ref('int_exchange_rates_daily')) }}
