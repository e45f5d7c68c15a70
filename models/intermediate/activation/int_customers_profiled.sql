-- Grain: one row per customer who is active on as-of.
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

active_customers as (
    select
        spells.customer_id,
        customers.region,
        customers.industry,
        case
            when {{ months_after('spells.first_started_on', 12) }} > settings.as_of_date
                then 'under 1 year'
            when {{ months_after('spells.first_started_on', 24) }} > settings.as_of_date
                then '1 to 2 years'
            else '2 years or more'
        end as tenure_band,
        {{ days_after(months_after('settings.as_of_date', -12), 1) }} as from_date,
        {{ days_after('settings.as_of_date', 1) }} as to_date
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    cross join settings
    where spells.relationship = 'any' and spells.is_active
),

earnings as (
    {{ earned_in_windows('active_customers', ['customer_id']) }}
)

select
    -- keys
    active_customers.customer_id,

    -- segments
    active_customers.region,
    active_customers.industry,
    active_customers.tenure_band,

    -- amounts
    earnings.margin_amount
from active_customers
inner join earnings
    on active_customers.customer_id = earnings.customer_id
