-- Grain: one row per customer, relationship and spell of activity.
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

relationship_spells as (
    {{ merged_intervals(ref('int_activity_intervals')) }}
),

-- someone is a customer while any of their relationships lasts
intervals_of_any as (
    select
        customer_id,
        'any' as relationship,
        active_from,
        active_to
    from relationship_spells
),

spells as (
    select * from relationship_spells
    union all
    {{ merged_intervals('intervals_of_any') }}
),

spells_with_neighbours as (
    select
        spells.*,
        settings.as_of_date,
        spells.active_to > settings.as_of_date as is_active,
        first_value(spells.active_from) over customer_spells as first_started_on,
        lag(spells.active_to) over customer_spells as previous_ended_on,
        lead(spells.active_from) over customer_spells as next_started_on
    from spells
    cross join settings
    window customer_spells as (
        partition by spells.customer_id, spells.relationship
        order by spells.spell_number
    )
)

select
    -- keys
    customer_id,
    relationship,
    spell_number,

    -- dates
    active_from as started_on,
    case when not is_active then active_to end as ended_on,
    case when is_active and active_to < {{ open_end() }} then active_to end as lapses_on,
    first_started_on,
    previous_ended_on,
    next_started_on,

    -- lengths
    case
        when is_active then {{ days_between('active_from', 'as_of_date') }} + 1
        else {{ days_between('active_from', 'active_to') }}
    end as days_in_spell,

    -- flags
    is_active
from spells_with_neighbours
