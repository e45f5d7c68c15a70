-- Grain: one row per raw row of order_lines.
{{ base_model('order_lines', parent=ref('base_orders')) }}
