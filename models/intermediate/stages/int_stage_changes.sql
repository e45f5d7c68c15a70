-- Grain: one row per customer, aspect, day, and whether a state of the aspect begins or ends on it.

with

spells as (
    select * from {{ ref('int_activity_spells') }}
),

spells_of_any as (
    select
        *,
        {{ days_after('started_on', var('stage_fresh_days')) }} as settled_on
    from spells
    where relationship = 'any'
),

-- states that last until another one of the same aspect takes their place, or for good
beginnings as (
    select
        customer_id,
        'activity' as aspect,
        case when spell_number = 1 then 'new' else 'won_back' end as state,
        started_on as changed_on
    from spells_of_any

    union all

    select
        customer_id,
        'activity' as aspect,
        'settled' as state,
        settled_on as changed_on
    from spells_of_any
    where ended_on is null or settled_on < ended_on

    union all

    select
        customer_id,
        'activity' as aspect,
        'left_' || exit_type as state,
        known_on as changed_on
    from {{ ref('int_exit_types_known') }}

    union all

    select
        customer_id,
        milestone as aspect,
        'reached' as state,
        reached_on as changed_on
    from {{ ref('int_customer_milestones') }}
),

-- states that end by themselves
intervals as (
    select
        customer_id,
        'subscription' as aspect,
        'paying' as state,
        started_on as holds_from,
        ended_on as holds_to
    from spells
    where relationship = 'subscription'

    union all

    select
        customer_id,
        'purchases' as aspect,
        'silent' as state,
        silent_from as holds_from,
        silent_to as holds_to
    from {{ ref('int_purchase_silences') }}

    union all

    select
        customer_id,
        'warning' as aspect,
        'warned' as state,
        warned_from as holds_from,
        warned_to as holds_to
    from {{ ref('int_warnings') }}

    union all

    select
        customer_id,
        'opinion' as aspect,
        nps_category as state,
        valid_from as holds_from,
        valid_to as holds_to
    from {{ ref('int_nps_answers_valid') }}
    where nps_category = 'promoter'

    union all

    select
        customer_id,
        'spending' as aspect,
        trend as state,
        holds_from,
        holds_to
    from {{ ref('int_spending_trends') }}

    union all

    select
        customer_id,
        'engagement' as aspect,
        'nurtured' as state,
        nurtured_from as holds_from,
        nurtured_to as holds_to
    from {{ ref('int_prospects_nurtured') }}
),

sides as (
    select false as is_beginning
    union all
    select true as is_beginning
)

select
    customer_id,
    aspect,
    state,
    changed_on,
    true as is_beginning
from beginnings

union all

select
    intervals.customer_id,
    intervals.aspect,
    case when sides.is_beginning then intervals.state else 'over' end as state,
    case when sides.is_beginning then intervals.holds_from else intervals.holds_to end
        as changed_on,
    sides.is_beginning
from intervals
cross join sides
where sides.is_beginning or intervals.holds_to is not null
