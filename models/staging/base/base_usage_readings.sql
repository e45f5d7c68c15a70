-- Grain: one row per raw row of usage_readings.
{{ base_model('usage_readings') }}
