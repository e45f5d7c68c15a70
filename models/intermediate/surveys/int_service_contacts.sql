-- Grain: one row per support contact.

with

contacts as (
    select
        event_id as contact_id,
        customer_id,
        event_date as contacted_on,
        coalesce(channel, 'unknown') as channel,
        outcome_score,
        is_resolved,
        -- a missing value does not make a contact bad
        coalesce(not is_resolved, false)
        or coalesce(outcome_score <= {{ var('bad_contact_max_score') }}, false) as is_bad
    from {{ ref('stg_engagement_events') }}
    where event_type = 'support_contact'
)

select
    -- keys
    contact_id,
    customer_id,

    -- dates
    contacted_on,
    -- on any channel, including this day
    max(case when is_bad then contacted_on end) over (
        partition by customer_id
        order by contacted_on
        range between unbounded preceding and current row
    ) as last_bad_on,

    -- words
    channel,

    -- scores
    outcome_score,

    -- flags
    is_resolved,
    is_bad
from contacts
