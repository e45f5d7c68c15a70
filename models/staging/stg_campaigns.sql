-- Grain: one row per accepted row of campaigns.
{{ staging_model('campaigns') }}
