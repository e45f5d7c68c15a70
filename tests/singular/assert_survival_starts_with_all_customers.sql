-- On day 0 every customer with a spell who is not inherited is at risk, in each slice; by the end
-- each has churned or was last seen.
with

curves as (
    select
        relationship,
        segment_name,
        sum(case when days_since = 0 then risk_set_customers end) as customers,
        sum(churned_customers) as churned_customers,
        sum(censored_customers) as censored_customers
    from {{ ref('rpt_survival') }}
    group by relationship, segment_name
),

first_spells as (
    select
        spells.relationship,
        count(*) as customers,
        count(spells.ended_on) as churned_customers,
        count(*) - count(spells.ended_on) as censored_customers
    from {{ ref('fct_activity_spells') }} as spells
    inner join {{ ref('dim_customers') }} as customers
        on spells.customer_id = customers.customer_id
    where spells.spell_number = 1 and not customers.is_inherited
    group by spells.relationship
)

select
    curves.segment_name,
    first_spells.*
from first_spells
left join curves
    on first_spells.relationship = curves.relationship
where
    curves.customers is distinct from first_spells.customers
    or curves.churned_customers is distinct from first_spells.churned_customers
    or curves.censored_customers is distinct from first_spells.censored_customers
