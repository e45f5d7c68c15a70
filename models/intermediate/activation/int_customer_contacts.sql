-- Grain: one row per contact between the company and a customer.

select
    -- keys
    events.event_id as contact_id,
    events.customer_id,
    events.campaign_id,

    -- dates
    events.event_date as contacted_on,

    -- words
    events.event_type as contact_type,
    coalesce(events.channel, 'unknown') as channel,
    case
        when services.is_bad then 'bad'
        when services.is_resolved or services.outcome_score is not null then 'good'
        else 'unknown'
    end as contact_outcome
from {{ ref('stg_engagement_events') }} as events
left join {{ ref('int_service_contacts') }} as services
    on events.event_id = services.contact_id
where events.event_type in (
    {%- for event_type in var('contact_event_types') %}
    {{ sql_text(event_type) }}{{ ',' if not loop.last }}
    {%- endfor %}
)
