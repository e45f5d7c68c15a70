-- Grain: one row per engagement that the customer began.

select
    -- keys
    event_id,
    customer_id,

    -- dates
    event_date as engaged_on,

    -- words
    event_type,

    -- lengths
    duration_seconds
from {{ ref('stg_engagement_events') }}
where event_type in (
    {%- for event_type in var('own_engagement_types') %}
    '{{ event_type }}'{{ ',' if not loop.last }}
    {%- endfor %}
)
