-- One method is used, and customers who can churn have their risk from it.
with

methods_used as (
    select distinct method
    from {{ ref('rpt_churn_risk_fit') }}
    where is_used
),

customers_of_another_method as (
    select risks.customer_id
    from {{ ref('fct_churn_risk') }} as risks
    left join methods_used
        on risks.risk_method = methods_used.method
    where
        risks.can_lapse
        and risks.risk_method <> 'no past day'
        and methods_used.method is null
)

select
    'another method' as fault,
    customer_id as found
from customers_of_another_method

union all

select
    'several methods' as fault,
    max(method) as found
from methods_used
having count(*) <> 1
