-- Grain: one row per customer and stay in a stage.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- each signal is a bit: those of a customer that hold on a day are one number
days as (
    select
        signals.customer_id,
        case when ends.is_end = 1 then signals.holds_to else signals.holds_from end as changed_on,
        sum(
            case when ends.is_end = 1 then -1 else 1 end
            * {{ signal_bit('signals.signal') }}
        ) as change
    from {{ ref('int_stage_signals') }} as signals
    cross join (
        select 0 as is_end
        union all
        select 1 as is_end
    ) as ends
    inner join settings
        on
            case when ends.is_end = 1 then signals.holds_to else signals.holds_from end
            <= settings.as_of_date
    group by
        signals.customer_id,
        case when ends.is_end = 1 then signals.holds_to else signals.holds_from end
),

states as (
    select
        customer_id,
        changed_on,
        change,
        cast(sum(change) over (
            partition by customer_id
            order by changed_on
            rows unbounded preceding
        ) as bigint) as signals
    from days
),

stages_entered as (
    select
        customer_id,
        changed_on,
        {{ lifecycle_stage('signals') }} as lifecycle_stage,
        -- who has come back has bought again
        case when {{ has_signal('signals', 'repeat') }} then 'yes' else 'no' end as bought_again
    from states
    where
        {{ has_signal('signals', 'known') }}
        and {{ lifecycle_stage('signals') }}
        is distinct from {{ lifecycle_stage('(signals - cast(change as bigint))') }}
),

stays as (
    select
        customer_id,
        lifecycle_stage,
        bought_again,
        changed_on as entered_on,
        row_number() over customer_stages as stage_number,
        lag(lifecycle_stage) over customer_stages as previous_stage,
        lead(changed_on) over customer_stages as left_on
    from stages_entered
    window customer_stages as (
        partition by customer_id
        order by changed_on
    )
),

first_spells as (
    select
        spells.customer_id,
        {{ months_after('spells.started_on', 'customers.established_after_months') }} as late_from
    from {{ ref('fct_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    where spells.relationship = 'any' and spells.spell_number = 1
),

stays_phased as (
    select
        stays.*,
        case when first_spells.late_from <= stays.entered_on then 'late' else 'early' end as phase
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
