-- Grain: one row per customer and interval of days with at least one warning.

with

versions as (
    select * from {{ ref('int_subscription_versions') }}
),

warnings as (
    select
        customer_id,
        started_on as active_from,
        coalesce(stopped_on, {{ open_end() }}) as active_to
    from versions
    where status = 'past_due'

    union all

    -- a request that came before the version began counts from its beginning
    select
        customer_id,
        greatest(started_on, cancel_requested_on) as active_from,
        coalesce(stopped_on, {{ open_end() }}) as active_to
    from versions
    where cancel_requested_on is not null

    union all

    select
        customer_id,
        valid_from as active_from,
        valid_to as active_to
    from {{ ref('int_nps_answers_valid') }}
    where nps_category = 'detractor'
),

warnings_that_last as (
    select * from warnings
    where active_from < active_to
),

-- several warnings at a time are one
warnings_merged as (
    {{ merged_intervals('warnings_that_last', keys=['customer_id']) }}
)

select
    customer_id,
    active_from as warned_from,
    case when active_to < {{ open_end() }} then active_to end as warned_to
from warnings_merged
