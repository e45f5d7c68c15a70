-- Grain: one row per raw row of engagement_events.
{{ base_model('engagement_events') }}
