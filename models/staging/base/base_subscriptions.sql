-- Grain: one row per raw row of subscriptions.
{{ base_model('subscriptions', exchange_rates=ref('int_exchange_rates_daily')) }}
