-- Contacts are planned for the days of the plan after as-of, with active customers who may be
-- contacted.
select
    plan.customer_id,
    plan.contact_on
from {{ ref('fct_contact_plan') }} as plan
cross join {{ ref('int_run_settings') }} as settings
left join {{ ref('dim_customers') }} as customers
    on plan.customer_id = customers.customer_id
where
    plan.contact_on <= settings.as_of_date
    or plan.contact_on > {{ days_after('settings.as_of_date', var('contact_plan_days')) }}
    or not coalesce(customers.is_active and customers.may_be_contacted, false)
