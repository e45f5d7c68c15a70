-- Grain: one row per customer known in any table, and one row `anonymous`.

with

customers as (
    select * from {{ ref('int_customers_with_anonymous') }}
),

purchases as (
    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        count(*) as purchases_count
    from {{ ref('int_orders_sequenced') }}
    where is_purchase
    group by customer_id
),

spells as (
    select
        customer_id,
        min(started_on) as first_active_on,
        count(*) as spells_count,
        max(case when is_active then 1 else 0 end) = 1 as is_active
    from {{ ref('int_activity_spells') }}
    where relationship = 'any'
    group by customer_id
),

stages as (
    select * from {{ ref('int_lifecycle_stages') }}
    where is_current
)

select
    -- keys
    customers.customer_id,
    customers.source_customer_id,

    -- segments
    {{ segment_columns('customers') }},
    customers.vertical,
    customers.discount,
    customers.first_plan,
    customers.custom_segment_1,
    customers.custom_segment_2,
    customers.acquisition_campaign_id,
    coalesce(stages.lifecycle_stage, 'unknown') as lifecycle_stage,

    -- dates
    customers.known_since,
    purchases.first_order_date,
    purchases.last_order_date,
    {{ month_start('spells.first_active_on') }} as cohort_month,

    -- counts
    coalesce(purchases.purchases_count, 0) as purchases_count,
    coalesce(spells.spells_count, 0) as spells_count,
    customers.activity_window_days,

    -- flags
    coalesce(spells.is_active, false) as is_active,
    customers.is_discount_acquired,
    customers.has_email,
    customers.may_be_contacted,
    customers.is_anonymous,
    inherited.customer_id is not null as is_inherited
from customers
left join purchases
    on customers.customer_id = purchases.customer_id
left join spells
    on customers.customer_id = spells.customer_id
left join stages
    on customers.customer_id = stages.customer_id
left join {{ ref('int_customers_inherited') }} as inherited
    on customers.customer_id = inherited.customer_id
