-- Grain: one row per customer and stay in a stage.
{{ config(materialized='table') }}
{%- set aspects = [
    'known', 'captured', 'seasoned', 'bought_again',
    'activity', 'subscription', 'purchases', 'warning', 'opinion', 'spending', 'engagement',
] %}

with

changes as (
    select
        changes.customer_id,
        changes.aspect,
        changes.state,
        changes.changed_on,
        changes.is_beginning
    from {{ ref('int_stage_changes') }} as changes
    inner join {{ ref('int_run_settings') }} as settings
        on changes.changed_on <= settings.as_of_date
),

-- the state of each aspect after each change; a state that ends gives way to one that begins on the
-- same day
states as (
    select
        customer_id,
        changed_on,
        {%- for aspect in aspects %}
        {{ last_not_null("case when aspect = '" ~ aspect ~ "' then state end", 'changes_so_far') }}
            as {{ aspect }},
        {%- endfor %}
        lead(changed_on) over (
            partition by customer_id
            order by changed_on, is_beginning
        ) as next_changed_on
    from changes
    window changes_so_far as (
        partition by customer_id
        order by changed_on, is_beginning
        rows unbounded preceding
    )
),

-- the conditions at the end of each day on which a state changed, from the first known day on
conditions as (
    select
        customer_id,
        changed_on,
        activity in ('new', 'won_back', 'settled') as is_in_spell,
        activity = 'new' as is_new,
        activity = 'won_back' as is_won_back,
        activity = 'left_natural' as has_left_naturally,
        activity = 'left_preventable' as has_left_preventably,
        activity = 'left_unknown' as has_left_for_unknown_reason,
        warning = 'warned' as has_warning,
        purchases = 'silent' as is_silent,
        coalesce(subscription = 'paying', false) as is_paying,
        opinion = 'promoter' as is_promoter,
        seasoned = 'reached' as is_seasoned,
        spending = 'declining' as is_declining,
        spending = 'growing' as is_growing,
        engagement = 'nurtured' as is_nurtured,
        captured = 'reached' as is_captured,
        coalesce(bought_again = 'reached', false) as has_bought_again
    from states
    where known = 'reached' and changed_on is distinct from next_changed_on
),

-- the rule: the first line that fits
stages as (
    select
        customer_id,
        changed_on,
        has_bought_again,
        case
            when has_left_naturally then 'churned_natural'
            when has_left_preventably then 'churned_preventable'
            when has_left_for_unknown_reason then 'churned_unknown'
            when is_in_spell and (has_warning or (is_silent and not is_paying)) then 'at_risk'
            when is_won_back then 'won_back'
            when is_new then 'new'
            when is_in_spell and is_promoter and is_seasoned then 'advocate'
            when is_in_spell and is_declining then 'declining'
            when is_in_spell and is_growing then 'growing'
            when is_in_spell then 'established'
            when is_nurtured then 'nurtured'
            when is_captured then 'captured'
            else 'aware'
        end as lifecycle_stage
    from conditions
),

stages_with_previous as (
    select
        *,
        lag(lifecycle_stage) over (
            partition by customer_id
            order by changed_on
        ) as previous_stage
    from stages
),

-- a change that leaves the stage as it was begins no stay
stays as (
    select
        customer_id,
        lifecycle_stage,
        previous_stage,
        has_bought_again,
        changed_on as entered_on,
        row_number() over customer_stays as stage_number,
        lead(changed_on) over customer_stays as left_on
    from stages_with_previous
    where lifecycle_stage is distinct from previous_stage
    window customer_stays as (
        partition by customer_id
        order by changed_on
    )
),

first_spells as (
    select
        spells.customer_id,
        {{ months_after('spells.started_on', 'customers.established_after_months') }} as late_from
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    where spells.relationship = 'any' and spells.spell_number = 1
),

-- what the seed of words distinguishes
stays_phased as (
    select
        stays.*,
        case when first_spells.late_from <= stays.entered_on then 'late' else 'early' end as phase,
        case when stays.has_bought_again then 'yes' else 'no' end as bought_again
    from stays
    left join first_spells
        on stays.customer_id = first_spells.customer_id
)

select
    -- keys
    stays.customer_id,
    stays.stage_number,

    -- words
    stays.lifecycle_stage,
    stays.previous_stage,
    words.growth_stage,
    words.buying_stage,
    words.relationship_stage,
    words.bank_zone,
    words.objective,

    -- dates
    stays.entered_on,
    stays.left_on,

    -- flags
    stays.left_on is null as is_current
from stays_phased as stays
left join {{ ref('lifecycle_stages') }} as words
    on
        stays.lifecycle_stage = words.lifecycle_stage
        and words.phase in (stays.phase, 'any')
        and words.bought_again in (stays.bought_again, 'any')
