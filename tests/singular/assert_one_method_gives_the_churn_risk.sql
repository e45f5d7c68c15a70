-- One method is used, and customers who can churn have their risk from it.
select
    (select count(distinct method) from {{ ref('rpt_churn_risk_fit') }} where is_used) as methods_used,
    (
        select count(*)
        from {{ ref('fct_churn_risk') }}
        where
            can_lapse
            and risk_method <> 'no past day'
            and risk_method not in (
                select fits.method from {{ ref('rpt_churn_risk_fit') }} as fits
                where fits.is_used
            )
    ) as customers_of_another_method
from {{ ref('int_run_settings') }}
where methods_used <> 1 or customers_of_another_method > 0
