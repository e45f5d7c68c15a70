-- Grain: one row per prospect and interval of days with enough engagements to be nurtured.
{%- set min_engagements = var('nurtured_min_engagements') %}

with

-- an engagement after the first spell began changes no stage
engagements as (
    select
        events.customer_id,
        events.engaged_on
    from {{ ref('int_own_engagements') }} as events
    left join {{ ref('int_activity_spells') }} as first_spells
        on
            events.customer_id = first_spells.customer_id
            and first_spells.relationship = 'any'
            and first_spells.spell_number = 1
    where first_spells.started_on is null or events.engaged_on < first_spells.started_on
),

-- each engagement counts from its day until it is too old
changes as (
    select
        customer_id,
        engaged_on as changed_on,
        1 as change
    from engagements

    union all

    select
        customer_id,
        {{ days_after('engaged_on', var('nurtured_days')) }} as changed_on,
        -1 as change
    from engagements
),

changes_by_day as (
    select
        customer_id,
        changed_on,
        sum(change) as change
    from changes
    group by customer_id, changed_on
),

engagement_counts as (
    select
        customer_id,
        changed_on,
        change,
        sum(change) over (
            partition by customer_id
            order by changed_on
            rows unbounded preceding
        ) as engagements
    from changes_by_day
),

-- the days on which the count reaches the minimum or falls below it
crossings as (
    select
        customer_id,
        changed_on,
        engagements >= {{ min_engagements }} as is_nurtured,
        lead(changed_on) over (
            partition by customer_id
            order by changed_on
        ) as next_changed_on
    from engagement_counts
    where
        (engagements >= {{ min_engagements }})
        <> (engagements - change >= {{ min_engagements }})
)

select
    customer_id,
    changed_on as nurtured_from,
    next_changed_on as nurtured_to
from crossings
where is_nurtured
