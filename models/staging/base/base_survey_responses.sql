-- Grain: one row per raw row of survey_responses.
{{ base_model('survey_responses', exchange_rates=ref('int_exchange_rates_daily')) }}
