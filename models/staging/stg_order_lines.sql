-- Grain: one row per accepted row of order_lines.
{{ staging_model('order_lines') }}
