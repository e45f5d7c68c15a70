-- Grain: one row per loyalty programme, day from which customers are watched and customer: those
-- who joined in the quarter before, and those like them who are in no programme.
{{ config(materialized='table') }}
{%- set traits = [
    'watched_from', 'lifecycle_stage', 'tenure_band', 'revenue_decile', 'acquisition_channel'
] %}

with

joiners as (
    select * from {{ ref('int_programme_joiners') }}
),

first_memberships as (
    select
        customer_id,
        min(joined_on) as first_joined_on
    from joiners
    group by customer_id
),

-- days on which somebody is compared
days as (
    select distinct joiners.watched_from
    from joiners
    inner join {{ ref('int_run_settings') }} as settings
        on joiners.watched_from <= settings.as_of_date
),

active_customers as (
    select
        days.watched_from,
        spells.customer_id,
        spells.ended_on,
        customers.acquisition_channel,
        case
            when {{ months_after('spells.first_started_on', 12) }} > days.watched_from
                then 'under 1 year'
            when {{ months_after('spells.first_started_on', 24) }} > days.watched_from
                then '1 to 2 years'
            else '2 years and more'
        end as tenure_band
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    inner join days
        on
            spells.started_on <= days.watched_from
            and coalesce(spells.ended_on, {{ open_end() }}) > days.watched_from
    where spells.relationship = 'any'
),

-- the four quarters before the day
revenues as (
    select
        quarters.customer_id,
        days.watched_from,
        sum(quarters.revenue_amount) as revenue_12m
    from {{ ref('int_revenue_quarters') }} as quarters
    inner join days
        on
            quarters.quarter_start_date < days.watched_from
            and quarters.quarter_start_date >= {{ months_after('days.watched_from', -12) }}
    group by quarters.customer_id, days.watched_from
),

customers_described as (
    select
        active_customers.watched_from,
        active_customers.customer_id,
        active_customers.ended_on,
        active_customers.acquisition_channel,
        active_customers.tenure_band,
        stages.lifecycle_stage,
        first_memberships.first_joined_on,
        ntile(10) over (
            partition by active_customers.watched_from
            order by coalesce(revenues.revenue_12m, 0), active_customers.customer_id
        ) as revenue_decile
    from active_customers
    inner join {{ ref('int_lifecycle_stages') }} as stages
        on
            active_customers.customer_id = stages.customer_id
            and active_customers.watched_from >= stages.entered_on
            and active_customers.watched_from < coalesce(stages.left_on, {{ open_end() }})
    left join revenues
        on
            active_customers.customer_id = revenues.customer_id
            and active_customers.watched_from = revenues.watched_from
    left join first_memberships
        on active_customers.customer_id = first_memberships.customer_id
),

-- still in the programme on the day
members as (
    select distinct
        joiners.programme,
        customers_described.*
    from joiners
    inner join customers_described
        on
            joiners.customer_id = customers_described.customer_id
            and joiners.watched_from = customers_described.watched_from
    inner join {{ ref('int_programme_stays') }} as stays
        on
            joiners.customer_id = stays.customer_id
            and joiners.programme = stays.programme
            and joiners.watched_from >= stays.active_from
            and joiners.watched_from < stays.active_to
),

strata as (
    select distinct
        programme,
        {{ traits | join(', ') }}
    from members
),

-- nobody's future decides who is compared: who joins later is compared until then
others as (
    select
        strata.programme,
        customers_described.*
    from strata
    inner join customers_described
        on {{ same_values('strata', 'customers_described', traits) }}
    where
        customers_described.first_joined_on is null
        or customers_described.first_joined_on > customers_described.watched_from
)

{% for relation in ['members', 'others'] %}
select
    -- keys
    programme,
    watched_from,
    customer_id,

    -- words
    lifecycle_stage,
    tenure_band,
    revenue_decile,
    acquisition_channel,

    -- dates
    ended_on as churned_on,

    -- flags
    {{ 'true' if relation == 'members' else 'false' }} as is_member
from {{ relation }}
{{ 'union all' if not loop.last }}
{% endfor %}
