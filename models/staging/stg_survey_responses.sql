-- Grain: one row per accepted row of survey_responses.
{{ staging_model('survey_responses', is_monetary=true) }}
