-- Grain: one row per raw row of campaigns.
{{ base_model('campaigns') }}
