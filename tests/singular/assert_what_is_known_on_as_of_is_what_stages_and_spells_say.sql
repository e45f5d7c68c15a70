-- On as-of, what churn risk knows of a customer is what their stage and their spell say.
select
    risks.customer_id,
    risks.is_at_risk,
    customers.lifecycle_stage,
    risks.lapses_on,
    spells.lapses_on as spell_lapses_on
from {{ ref('fct_churn_risk') }} as risks
inner join {{ ref('dim_customers') }} as customers
    on risks.customer_id = customers.customer_id
inner join {{ ref('fct_activity_spells') }} as spells
    on
        risks.customer_id = spells.customer_id
        and spells.relationship = 'any'
        and spells.is_active
where
    risks.is_at_risk <> (customers.lifecycle_stage = 'at_risk')
    or risks.lapses_on is distinct from spells.lapses_on
