-- Grain: one row per raw row of campaign_members.
{{ base_model('campaign_members') }}
