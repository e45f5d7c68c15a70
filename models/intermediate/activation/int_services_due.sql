-- Grain: one row per asset whose next service can be predicted.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

forecasts as (
    select * from {{ ref('int_service_forecasts') }}
    where predicted_visit = 'next'
),

services as (
    select
        *,
        coalesce(due_by_meter_on, due_by_own_gap_on, due_by_vertical_on) as service_due_on,
        case
            when due_by_meter_on is not null then 'meter'
            when due_by_own_gap_on is not null then 'own gap'
            else 'vertical'
        end as method
    from forecasts
)

select
    -- keys
    services.asset_id,
    services.customer_id,

    -- dates
    services.last_read_on,
    services.last_visit_on,
    services.service_due_on,

    -- words
    services.method,

    -- use
    services.last_reading,
    services.average_monthly_use,
    services.service_interval,
    services.due_reading,

    -- flags
    services.service_due_on <= settings.as_of_date as is_overdue
from services
cross join settings
where services.service_due_on is not null
