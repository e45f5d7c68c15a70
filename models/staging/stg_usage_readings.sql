-- Grain: one row per accepted row of usage_readings.
{{ staging_model('usage_readings') }}
