-- Grain: one row per quarter and lifecycle stage.
{%- set keys = ['quarter_start_date', 'lifecycle_stage'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

quarters as (
    select
        period_start_date as quarter_start_date,
        closes_on,
        is_complete_period
    from {{ ref('int_periods') }}
    where period_grain = 'quarter'
),

stages as (
    select distinct lifecycle_stage
    from {{ ref('lifecycle_stages') }}
),

-- every stage in every quarter: what is missing is a row of zeros
stage_quarters as (
    select
        quarters.quarter_start_date,
        quarters.closes_on,
        quarters.is_complete_period,
        stages.lifecycle_stage
    from quarters
    cross join stages
),

stays as (
    select
        customer_id,
        lifecycle_stage,
        entered_on,
        left_on,
        lag(left_on) over (
            partition by customer_id, lifecycle_stage
            order by entered_on
        ) as previous_left_on
    from {{ ref('int_lifecycle_stages') }}
),

-- a stay adds a customer on its first day and takes one away on the day after its last
changes as (
    select
        lifecycle_stage,
        entered_on as changed_on,
        1 as customers_change,
        -- who was in the stage on a day of the quarter before is counted already
        case
            when
                previous_left_on is null
                or previous_left_on <= {{ period_start("'quarter'", 'entered_on') }}
                then 1
            else 0
        end as newly_counted
    from stays

    union all

    select
        lifecycle_stage,
        left_on as changed_on,
        -1 as customers_change,
        0 as newly_counted
    from stays
    where left_on is not null
),

changes_by_day as (
    select
        lifecycle_stage,
        changed_on,
        {{ period_start("'quarter'", 'changed_on') }} as quarter_start_date,
        sum(customers_change) as customers_change,
        sum(newly_counted) as newly_counted
    from changes
    group by lifecycle_stage, changed_on
),

-- what changes on the first day of a quarter holds for all of it
changes_by_quarter as (
    select
        changes.quarter_start_date,
        changes.lifecycle_stage,
        sum(changes.customers_change) as customers_change,
        sum(case
            when changes.changed_on = changes.quarter_start_date then changes.customers_change
            else 0
        end) as first_day_change,
        sum(case
            when changes.changed_on > changes.quarter_start_date then changes.newly_counted
            else 0
        end) as newly_counted,
        sum(
            changes.customers_change
            * ({{ days_between('changes.changed_on', 'quarters.closes_on') }} + 1)
        ) as customer_days
    from changes_by_day as changes
    inner join quarters
        on
            changes.quarter_start_date = quarters.quarter_start_date
            and changes.changed_on <= quarters.closes_on
    group by changes.quarter_start_date, changes.lifecycle_stage
),

populations as (
    select
        stage_quarters.*,
        coalesce(changes.newly_counted, 0)
        + coalesce(changes.first_day_change, 0)
        - coalesce(changes.customers_change, 0)
        + sum(coalesce(changes.customers_change, 0)) over quarters_so_far as customers,
        sum(coalesce(changes.customers_change, 0)) over quarters_so_far as closing_customers,
        coalesce(changes.customer_days, 0)
        + ({{ days_between('stage_quarters.quarter_start_date', 'stage_quarters.closes_on') }} + 1)
        * (
            (sum(coalesce(changes.customers_change, 0)) over quarters_so_far)
            - coalesce(changes.customers_change, 0)
        ) as customer_days
    from stage_quarters
    left join changes_by_quarter as changes
        on {{ same_values('stage_quarters', 'changes', keys) }}
    window quarters_so_far as (
        partition by stage_quarters.lifecycle_stage
        order by stage_quarters.quarter_start_date
        rows unbounded preceding
    )
),

contacts as (
    select contacts.*
    from {{ ref('int_customer_contacts') }} as contacts
    inner join settings
        on contacts.contacted_on <= settings.as_of_date
),

campaign_sends as (
    select
        campaign_id,
        count(*) as sends
    from contacts
    where campaign_id is not null and contact_type <> 'support_contact'
    group by campaign_id
),

campaign_spends as (
    select
        campaign_id,
        sum(spend_amount) as spend
    from {{ ref('int_marketing_spends') }}
    where campaign_id is not null
    group by campaign_id
),

-- the spend of a campaign is spread evenly over all that it sent
send_costs as (
    select
        campaign_sends.campaign_id,
        {{ rate('campaign_spends.spend', 'campaign_sends.sends') }} as cost_per_send
    from campaign_sends
    inner join campaign_spends
        on campaign_sends.campaign_id = campaign_spends.campaign_id
),

-- the stage of a day is the one that the customer has at its end
contacts_in_stages as (
    select
        stays.lifecycle_stage,
        contacts.campaign_id,
        send_costs.cost_per_send,
        contacts.contact_type = 'support_contact' as is_service,
        {{ period_start("'quarter'", 'contacts.contacted_on') }} as quarter_start_date
    from contacts
    inner join stays
        on
            contacts.customer_id = stays.customer_id
            and contacts.contacted_on >= stays.entered_on
            and contacts.contacted_on < coalesce(stays.left_on, {{ open_end() }})
    left join send_costs
        on contacts.campaign_id = send_costs.campaign_id
),

activities as (
    select
        quarter_start_date,
        lifecycle_stage,
        count(case when not is_service then 1 end) as touches,
        count(distinct case when not is_service then campaign_id end) as campaigns,
        count(case when not is_service then cost_per_send end) as costed_touches,
        sum(case when not is_service then cost_per_send end) as spend,
        count(case when is_service then 1 end) as service_contacts
    from contacts_in_stages
    group by quarter_start_date, lifecycle_stage
),

stage_activities as (
    select
        populations.*,
        coalesce(activities.touches, 0) as touches,
        coalesce(activities.campaigns, 0) as campaigns,
        coalesce(activities.costed_touches, 0) as costed_touches,
        activities.spend,
        coalesce(activities.service_contacts, 0) as service_contacts
    from populations
    left join activities
        on {{ same_values('populations', 'activities', keys) }}
)

select
    -- keys
    quarter_start_date,
    lifecycle_stage,

    -- dates
    closes_on,

    -- counts
    cast(customers as bigint) as stage_customers,
    cast(closing_customers as bigint) as closing_customers,
    cast(customer_days as bigint) as customer_days,
    touches,
    campaigns,
    costed_touches,
    service_contacts,

    -- amounts
    {{ in_cents('spend') }} as spend_amount,

    -- per customer
    {{ rate('touches', 'customers') }} as touches_per_customer,
    {{ rate('campaigns', 'customers') }} as campaigns_per_customer,
    {{ amount_per('spend', 'nullif(customers, 0)') }} as spend_per_customer_amount,
    {{ rate('service_contacts', 'customers') }} as service_contacts_per_customer,

    -- flags
    customers > 0 and touches = 0 as is_neglected,
    is_complete_period
from stage_activities
