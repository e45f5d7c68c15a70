-- Grain: one row per customer, relationship and spell of activity.

select
    -- keys
    customer_id,
    relationship,
    spell_number,

    -- dates
    started_on,
    ended_on,
    lapses_on,
    first_started_on,
    previous_ended_on,
    next_started_on,

    -- lengths
    days_in_spell,

    -- flags
    is_active
from {{ ref('int_activity_spells') }}
