-- Grain: one row per customer and stay in a stage.
{%- set signals = [
    'known', 'spell', 'spell_begun', 'fresh', 'silent', 'paying', 'warning', 'promoter', 'seasoned',
    'repeat', 'declining', 'growing', 'engaged', 'captured',
] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- what was known of the reason for leaving: on the day itself, and when a survey told more
exit_reasons as (
    select
        events.customer_id,
        events.churned_on as known_on,
        coalesce(contracts.cancel_reason, 'unknown') as churn_reason,
        1 as priority
    from {{ ref('fct_churn_events') }} as events
    left join {{ ref('int_contracts_ended') }} as contracts
        on
            events.customer_id = contracts.customer_id
            and events.churned_on = contracts.stopped_on
    where events.relationship = 'any'

    union all

    select
        events.customer_id,
        answers.known_on,
        coalesce(answers.reason_code, contracts.cancel_reason, 'unknown') as churn_reason,
        2 as priority
    from {{ ref('fct_churn_events') }} as events
    inner join {{ ref('int_exits_explained') }} as answers
        on
            events.customer_id = answers.customer_id
            and events.churned_on = answers.ended_on
    left join {{ ref('int_contracts_ended') }} as contracts
        on
            events.customer_id = contracts.customer_id
            and events.churned_on = contracts.stopped_on
    where
        events.relationship = 'any'
        and (events.returned_on is null or answers.known_on < events.returned_on)
),

exit_types as (
    select
        exit_reasons.customer_id,
        exit_reasons.known_on,
        coalesce(reasons.exit_type, 'unknown') as exit_type
    from exit_reasons
    left join {{ ref('churn_reasons') }} as reasons
        on exit_reasons.churn_reason = {{ reason_code('reasons.reason_code') }}
    qualify row_number() over (
        partition by exit_reasons.customer_id, exit_reasons.known_on
        order by exit_reasons.priority desc
    ) = 1
),

-- a signal begins and ends; a reason that comes to light is a day to look at again
events as (
    {%- for day, change in [('holds_from', 1), ('holds_to', -1)] %}
    select
        signals.customer_id,
        signals.signal,
        signals.{{ day }} as changed_on,
        {{ change }} as change
    from {{ ref('int_stage_signals') }} as signals
    inner join settings
        on signals.{{ day }} <= settings.as_of_date

    union all
    {% endfor %}
    select
        customer_id,
        'reason' as signal,
        known_on as changed_on,
        0 as change
    from exit_types
),

days as (
    select
        customer_id,
        changed_on,
        {%- for signal in signals %}
        sum(case when signal = '{{ signal }}' then change else 0 end) as {{ signal }}_change,
        {%- endfor %}
        count(*) as events
    from events
    group by customer_id, changed_on
),

days_with_exit_types as (
    select
        days.customer_id,
        days.changed_on,
        {%- for signal in signals %}
        days.{{ signal }}_change,
        {%- endfor %}
        exit_types.exit_type
    from days
    left join exit_types
        on
            days.customer_id = exit_types.customer_id
            and days.changed_on = exit_types.known_on
),

states as (
    select
        customer_id,
        changed_on,
        {%- for signal in signals %}
        sum({{ signal }}_change) over customer_days as {{ signal }},
        {%- endfor %}
        last_value(exit_type ignore nulls) over customer_days as exit_type
    from days_with_exit_types
    window customer_days as (
        partition by customer_id
        order by changed_on
        rows unbounded preceding
    )
),

-- the first that fits
stages as (
    select
        customer_id,
        changed_on,
        case
            when spell_begun > 0 and spell = 0 then 'churned_' || exit_type
            when spell > 0 and (warning > 0 or (silent > 0 and paying = 0)) then 'at_risk'
            when fresh > 0 and spell_begun > 1 then 'won_back'
            when fresh > 0 then 'new'
            when spell > 0 and promoter > 0 and seasoned > 0 then 'advocate'
            when spell > 0 and declining > 0 then 'declining'
            when spell > 0 and growing > 0 then 'growing'
            when spell > 0 then 'established'
            when engaged >= {{ var('nurtured_min_engagements') }} then 'nurtured'
            when captured > 0 then 'captured'
            else 'aware'
        end as lifecycle_stage,
        -- who has come back has bought again
        case when repeat > 0 or spell_begun > 1 then 'yes' else 'no' end as bought_again
    from states
    where known > 0
),

stages_entered as (
    select * from stages
    qualify lifecycle_stage is distinct from lag(lifecycle_stage) over (
        partition by customer_id
        order by changed_on
    )
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
        and (words.phase = stays.phase or words.phase = 'any')
        and (words.bought_again = stays.bought_again or words.bought_again = 'any')
