-- Grain: one row per day looked at and customer who was active on it, as far as was known then.

select
    -- keys
    scored_on,
    customer_id,
    day_role,

    -- what the model knows
    {%- for inputs in churn_risk_inputs().values() %}
    {%- for name, expression in inputs.items() %}
    cast({{ expression }} as double) as {{ name }},
    {%- endfor %}
    {%- endfor %}

    -- flags
    can_lapse,
    is_churned
from {{ ref('int_churn_risk_features') }}
