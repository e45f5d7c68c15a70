-- Grain: one row per response behind the NPS of one quarter: who gave it, and what they wrote.
-- Comments are in the restricted schema of the warehouse and are never published: compile this
-- query and run it there.
{{ config(enabled=var('surveys_enabled')) }}
{%- set period_grain = 'quarter' %}
{%- set period_start_date = '2025-10-01' %}

with

answers as (
    select * from {{ ref('fct_survey_responses') }}
    where
        survey_type = 'nps'
        and is_answered
        and {{ period_start("'" ~ period_grain ~ "'", 'responded_on') }}
        = cast('{{ period_start_date }}' as date)
),

-- the latest answer of a customer counts; each anonymous answer counts by itself
responses as (
    select *
    from answers
    qualify row_number() over (
        partition by customer_id, case when is_anonymous then response_id end
        order by responded_at desc, response_id desc
    ) = 1
)

select
    responses.nps_category,
    responses.customer_id,
    responses.response_id,
    responses.responded_on,
    responses.score,
    verbatims.comment
from responses
inner join {{ ref('base_survey_responses') }} as verbatims
    on
        responses.response_id = verbatims.response_id
        and verbatims.is_accepted
order by responses.score, responses.customer_id, responses.response_id
