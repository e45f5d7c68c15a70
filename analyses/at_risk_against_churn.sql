-- Grain: one row per vertical and whether the stay was at risk.
-- Does `at_risk` warn? Compares the share of stays that churned within the next activity window, in
-- this stage and in the other stages of active customers; only stays with a complete window count.

with

stays as (
    select
        stays.customer_id,
        stays.entered_on,
        customers.vertical,
        stays.lifecycle_stage = 'at_risk' as is_at_risk,
        {{ days_after('stays.entered_on', 'customers.activity_window_days') }} as watched_until
    from {{ ref('fct_lifecycle_stages') }} as stays
    inner join {{ ref('int_customers') }} as customers
        on stays.customer_id = customers.customer_id
    inner join {{ ref('int_run_settings') }} as settings
        on
            {{ days_after('stays.entered_on', 'customers.activity_window_days') }}
            <= settings.as_of_date
    where
        stays.lifecycle_stage in (
            'at_risk', 'new', 'won_back', 'advocate', 'declining', 'growing', 'established'
        )
),

stays_that_churned as (
    select distinct
        stays.customer_id,
        stays.entered_on
    from stays
    inner join {{ ref('fct_churn_events') }} as events
        on
            stays.customer_id = events.customer_id
            and events.relationship = 'any'
            and stays.entered_on < events.churned_on
            and stays.watched_until >= events.churned_on
)

select
    stays.vertical,
    stays.is_at_risk,
    count(*) as stays,
    count(stays_that_churned.customer_id) as churned_stays,
    {{ rate('count(stays_that_churned.customer_id)', 'count(*)') }} as churn_rate
from stays
left join stays_that_churned
    on
        stays.customer_id = stays_that_churned.customer_id
        and stays.entered_on = stays_that_churned.entered_on
group by stays.vertical, stays.is_at_risk
order by stays.vertical asc, stays.is_at_risk desc
