-- Grain: one row per raw row of orders.
{{ base_model('orders', exchange_rates=ref('int_exchange_rates_daily')) }}
