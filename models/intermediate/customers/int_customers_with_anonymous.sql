-- Grain: one row per customer known in any table, and one row `anonymous`.

select
    customer_id,
    source_customer_id,
    known_since,
    {{ segment_columns() }},
    vertical,
    discount,
    first_plan,
    custom_segment_1,
    custom_segment_2,
    acquisition_campaign_id,
    activity_window_days,
    is_discount_acquired,
    has_email,
    may_be_contacted,
    false as is_anonymous
from {{ ref('int_customers') }}

union all

-- stands for orders and answers without a customer, so that each of them finds a row here
select
    'anonymous' as customer_id,
    cast(null as string) as source_customer_id,
    cast(null as date) as known_since,
    'unknown' as region,
    'unknown' as industry,
    'unknown' as customer_segment,
    'unknown' as acquisition_channel,
    'unknown' as vertical,
    'unknown' as discount,
    'none' as first_plan,
    'unknown' as custom_segment_1,
    'unknown' as custom_segment_2,
    cast(null as string) as acquisition_campaign_id,
    {{ activity_window() or var('default_activity_window_days') }} as activity_window_days,
    false as is_discount_acquired,
    false as has_email,
    false as may_be_contacted,
    true as is_anonymous
from {{ ref('int_run_settings') }}
