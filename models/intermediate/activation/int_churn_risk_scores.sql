-- Grain: one row per customer who was active on the day to judge the model or on that to score.
{{ config(materialized='table') }}
{%- set reasons = churn_risk_inputs() %}

with

-- the terms of the model side by side, in one row, also where there is no model
terms as (
    select
        {%- for inputs in reasons.values() %}
        {%- for name in inputs %}
        {%- for statistic in ['coefficient', 'lower', 'upper', 'mean', 'deviation'] %}
        max(case when term = '{{ name }}' and statistic = '{{ statistic }}' then value end)
            as {{ name }}_{{ statistic }},
        {%- endfor %}
        {%- for statistic in ['coefficient', 'mean'] %}
        max(case when term = '{{ name }} missing' and statistic = '{{ statistic }}' then value end)
            as {{ name }}_missing_{{ statistic }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
        max(case when term = 'intercept' and statistic = 'coefficient' then value end) as intercept
    from {{ ref('int_churn_risk_fits') }}
),

inputs as (
    select * from {{ ref('int_churn_risk_inputs') }}
    where day_role in ('as_of', 'test')
),

inputs_lifted as (
    select
        inputs.*,
        {%- set lifts = [] %}
        {%- for inputs in reasons.values() %}
        {%- for name in inputs %}
        {{ churn_risk_contribution(name) }} as {{ name }}_lift,
        {%- do lifts.append(name ~ '_lift + ' ~ name ~ '_baseline') %}
        {{ churn_risk_baseline(name) }} as {{ name }}_baseline,
        {%- endfor %}
        {%- endfor %}
        terms.intercept
    from inputs
    cross join terms
),

contributions as (
    select
        inputs.scored_on,
        inputs.customer_id,
        {%- for reason, named in reasons.items() if reason != 'kind' %}
        {%- set parts = [] %}
        {%- for name in named %}
        {%- do parts.append(churn_risk_warning(name)) %}
        {%- endfor %}
        {{ parts | join(' + ') }} as {{ reason }},
        {%- endfor %}
        {{ lifts | join(' + ') }} as lift,
        inputs.intercept
    from inputs_lifted as inputs
    cross join terms
),

-- beyond 30, a chance is 0 or 1 to twelve digits
scores as (
    select
        *,
        case
            when intercept is not null
                then 1 / (1 + exp(-least(greatest(intercept + lift, -30), 30)))
        end as chance
    from contributions
)

select
    -- keys
    features.scored_on,
    features.customer_id,
    features.day_role,

    -- scores; the last digits depend on the processor
    round(scores.chance, 6) as model_score,
    cast(case when features.is_at_risk then 1 else 0 end as double) as at_risk_score,
    -- who pays for a contract needs no purchase, and an open one does not lapse
    cast(case when features.is_subscribed then 0 else features.days_since_purchase end as double)
        as recency_score,
    cast(-coalesce(
        features.days_to_lapse, {{ days_between('features.scored_on', open_end()) }}
    ) as double) as lapse_score,
    cast(0 as double) as base_score,

    -- how far each reason lifts the logarithm of the odds, if it can be read as a warning, and if
    -- the customer can have it with a contract, or without one
    {%- for reason in reasons if reason != 'kind' %}
    {%- if reason in churn_risk_reasons_of(true) %}
    case when features.is_subscribed then round(scores.{{ reason }}, 6) else 0 end
    {%- elif reason in churn_risk_reasons_of(false) %}
    case when not features.is_subscribed then round(scores.{{ reason }}, 6) else 0 end
    {%- else %}
    round(scores.{{ reason }}, 6)
    {%- endif %} as {{ reason }}_contribution,
    {%- endfor %}
    round(scores.lift, 6) as all_contributions,

    -- flags
    features.can_lapse,
    features.is_churned
from {{ ref('int_churn_risk_features') }} as features
inner join scores
    on {{ same_values('features', 'scores', ['scored_on', 'customer_id']) }}
