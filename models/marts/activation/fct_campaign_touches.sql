-- Grain: one row per campaign and customer whom it was assigned to or touched.
{{ config(post_hook='{{ warn_of_touched_controls() }}') }}
{%- set keys = ['campaign_id', 'customer_id'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

assignments as (
    select
        campaign_id,
        customer_id,
        event_date as assigned_on,
        coalesce(is_control, false) as is_control
    from {{ ref('stg_campaign_members') }}
    where customer_id is not null
),

sends as (
    select
        campaign_id,
        customer_id,
        min(contacted_on) as first_contacted_on,
        count(*) as contacts
    from {{ ref('int_customer_contacts') }}
    where campaign_id is not null and customer_id is not null
    group by campaign_id, customer_id
),

-- every event of the campaign is a touch, also a visit that it brought about
touches as (
    select
        campaign_id,
        customer_id,
        min(event_date) as first_touched_on,
        min(case when event_type in ('email_opened', 'email_clicked') then event_date end)
            as opened_on,
        min(case when event_type = 'email_clicked' then event_date end) as clicked_on
    from {{ ref('stg_engagement_events') }}
    where campaign_id is not null and customer_id is not null
    group by campaign_id, customer_id
),

customers_reached as (
    select
        campaign_id,
        customer_id
    from assignments

    union

    select
        campaign_id,
        customer_id
    from touches
),

-- a customer is one from the first purchase, or paid day, on
first_sales as (
    select
        customer_id,
        started_on as first_sold_on
    from {{ ref('int_activity_spells') }}
    where relationship = 'any' and spell_number = 1
),

customers_judged as (
    select
        reached.campaign_id,
        reached.customer_id,
        assignments.assigned_on,
        touches.first_touched_on,
        -- who opened a message has received it
        least(sends.first_contacted_on, touches.opened_on) as first_sent_on,
        touches.opened_on,
        touches.clicked_on,
        coalesce(
            sends.contacts, case when touches.opened_on is not null then 1 else 0 end
        ) as sends,
        assignments.customer_id is not null as is_assigned,
        coalesce(assignments.is_control, false) as is_control,
        least(assignments.assigned_on, touches.first_touched_on) as targeted_on,
        case
            when assignments.is_control then assignments.assigned_on
            else touches.first_touched_on
        end as window_started_on
    from customers_reached as reached
    left join assignments
        on {{ same_values('reached', 'assignments', keys) }}
    left join sends
        on {{ same_values('reached', 'sends', keys) }}
    left join touches
        on {{ same_values('reached', 'touches', keys) }}
),

-- what is planned after as-of has not happened yet
windows as (
    select
        customers_judged.campaign_id,
        customers_judged.customer_id,
        customers_judged.window_started_on as from_date,
        least(
            {{ days_after('customers_judged.window_started_on', var('conversion_days')) }},
            {{ days_after('settings.as_of_date', 1) }}
        ) as to_date,
        {{ days_after('customers_judged.window_started_on', var('conversion_days')) }}
        <= {{ days_after('settings.as_of_date', 1) }} as is_complete
    from customers_judged
    cross join settings
    where customers_judged.window_started_on is not null
),

earnings as (
    {{ earned_in_windows('windows', keys) }}
),

conversions as (
    select
        windows.campaign_id,
        windows.customer_id,
        min(sales.sold_on) as converted_on
    from windows
    inner join {{ ref('int_sales_made') }} as sales
        on
            windows.customer_id = sales.customer_id
            and windows.from_date <= sales.sold_on
            and windows.to_date > sales.sold_on
    group by windows.campaign_id, windows.customer_id
)

select
    -- keys
    judged.campaign_id,
    judged.customer_id,

    -- dates
    judged.targeted_on,
    judged.assigned_on,
    judged.first_touched_on,
    judged.first_sent_on,
    judged.opened_on,
    judged.clicked_on,
    judged.window_started_on,
    conversions.converted_on,

    -- words
    case
        when first_sales.first_sold_on < judged.targeted_on then 'customer'
        else 'prospect'
    end as audience,

    -- counts
    cast(judged.sends as bigint) as sends,

    -- amounts
    {{ as_amount('coalesce(earnings.revenue_amount, 0)') }} as revenue_amount,
    {{ as_amount('coalesce(earnings.margin_amount, 0)') }} as margin_amount,

    -- flags
    judged.is_assigned,
    judged.is_control,
    judged.first_touched_on is not null as is_touched,
    judged.first_sent_on is not null as is_sent,
    judged.opened_on is not null as is_opened,
    judged.clicked_on is not null as is_clicked,
    conversions.converted_on is not null as is_converted,
    coalesce(windows.is_complete, false) as is_window_complete
from customers_judged as judged
left join first_sales
    on judged.customer_id = first_sales.customer_id
left join windows
    on {{ same_values('judged', 'windows', keys) }}
left join earnings
    on {{ same_values('judged', 'earnings', keys) }}
left join conversions
    on {{ same_values('judged', 'conversions', keys) }}
