-- Grain: one row per accepted row of campaign_members.
{{ staging_model('campaign_members') }}
