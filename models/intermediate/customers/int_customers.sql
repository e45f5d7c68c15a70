-- Grain: one row per customer known in any table.
{{ config(
    materialized='table',
    post_hook=['{{ warn_of_email_keys() }}', '{{ warn_of_unknown_subscriptions() }}'],
) }}

with

-- customers who appear only in other tables get a row too
sightings as (
    {%- for table_name in [
        'customers', 'orders', 'subscriptions', 'survey_responses', 'engagement_events',
        'campaign_members', 'loyalty_memberships', 'usage_readings',
    ] %}
    select
        customer_id,
        event_date
    from {{ ref('stg_' ~ table_name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

customers_known as (
    select
        customer_id,
        min(event_date) as known_since
    from sightings
    where customer_id is not null
    group by customer_id
),

customers_described as (
    select
        customers_known.customer_id,
        customers_known.known_since,
        customers.source_customer_id,
        customers.acquisition_campaign_id,
        customers.is_discount_acquired,
        -- what somebody said in a row that was rejected is not known, so it may have been a no
        case when rejected.customer_id is null then customers.may_contact else false end
            as may_contact,
        customers.has_email,
        coalesce(customers.region, 'unknown') as region,
        coalesce(customers.industry, 'unknown') as industry,
        coalesce(customers.customer_segment, 'unknown') as customer_segment,
        coalesce(customers.acquisition_channel, 'unknown') as acquisition_channel,
        coalesce(customers.vertical, 'unknown') as vertical,
        case customers.is_discount_acquired
            when true then 'discount'
            when false then 'full price'
            else 'unknown'
        end as discount,
        coalesce(first_terms.first_plan, 'none') as first_plan,
        coalesce(customers.custom_segment_1, 'unknown') as custom_segment_1,
        coalesce(customers.custom_segment_2, 'unknown') as custom_segment_2
    from customers_known
    left join {{ ref('stg_customers') }} as customers
        on customers_known.customer_id = customers.customer_id
    left join {{ ref('int_customers_rejected') }} as rejected
        on customers_known.customer_id = rejected.customer_id
    left join {{ ref('int_first_terms') }} as first_terms
        on customers_known.customer_id = first_terms.customer_id
)

select
    -- keys
    customers_described.customer_id,
    customers_described.source_customer_id,

    -- dates
    customers_described.known_since,

    -- segments
    customers_described.region,
    customers_described.industry,
    customers_described.customer_segment,
    customers_described.acquisition_channel,
    customers_described.vertical,
    customers_described.discount,
    customers_described.first_plan,
    customers_described.custom_segment_1,
    customers_described.custom_segment_2,
    customers_described.acquisition_campaign_id,

    -- windows
    {% if activity_window() -%}
    {{ activity_window() }} as activity_window_days,
    {%- else -%}
    coalesce(
        windows.activity_window_days, {{ var('default_activity_window_days') }}
    ) as activity_window_days,
    {%- endif %}
    coalesce(
        windows.established_after_months, {{ var('default_established_after_months') }}
    ) as established_after_months,

    -- flags
    coalesce(customers_described.is_discount_acquired, false) as is_discount_acquired,
    coalesce(customers_described.has_email, false) as has_email,
    coalesce(customers_described.may_contact, {{ var('contact_unless_refused') }})
        as may_be_contacted
from customers_described
left join {{ ref('activity_windows') }} as windows
    on {{ is_word_of_seed('customers_described.vertical', 'windows.vertical') }}
