-- The cohort sizes add up to the customers with a spell, and the newest ages of the cohorts add up
-- to the customers active on as-of.
with

cohort_totals as (
    select
        relationship,
        sum(case when months_since = 0 then cohort_customers end) as customers,
        sum(
            case when months_since = newest_age then active_customers end
        ) as active_customers
    from (
        select
            *,
            max(months_since) over (partition by relationship, cohort_month) as newest_age
        from {{ ref('rpt_cohort_retention') }}
    ) as cohorts_with_newest_age
    group by relationship
),

spell_totals as (
    select
        relationship,
        count(distinct customer_id) as customers,
        count(case when is_active then 1 end) as active_customers
    from {{ ref('fct_activity_spells') }}
    group by relationship
)

select spell_totals.*
from spell_totals
left join cohort_totals
    on spell_totals.relationship = cohort_totals.relationship
where
    cohort_totals.customers is distinct from spell_totals.customers
    or cohort_totals.active_customers is distinct from spell_totals.active_customers
