-- Grain: one row per accepted row of engagement_events.
{{ staging_model('engagement_events') }}
