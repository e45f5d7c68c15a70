-- Grain: one row per customer and spell of subscription.

with

settings as (
    select
        as_of_date,
        {{ calibrated_on('as_of_date') }} as calibrated_on
    from {{ ref('int_run_settings') }}
),

spells as (
    select * from {{ ref('int_activity_spells') }}
    where relationship = 'subscription'
),

paid_versions as (
    select * from {{ ref('int_subscription_versions') }}
    where is_paying and (stopped_on is null or started_on < stopped_on)
),

-- the contract that a spell began with decides how long a term is
spells_with_terms as (
    select
        spells.customer_id,
        spells.spell_number,
        spells.started_on,
        coalesce(spells.ended_on, {{ open_end() }}) as ended_on,
        {{ billing_term() }} as billing_term,
        {{ months_of_term() }} as months_in_term,
        {{ days_of_term() }} as days_in_term
    from spells
    inner join paid_versions
        on
            spells.customer_id = paid_versions.customer_id
            and spells.started_on >= paid_versions.started_on
            and (
                paid_versions.stopped_on is null
                or spells.started_on < paid_versions.stopped_on
            )
    qualify row_number() over (
        partition by spells.customer_id, spells.spell_number
        order by
            paid_versions.started_on desc,
            paid_versions.mrr_amount desc,
            paid_versions.subscription_id asc,
            paid_versions.item_id asc
    ) = 1
),

-- the last active day, by as-of and by the day before the hold-out
spells_looked_at as (
    select
        spells_with_terms.*,
        settings.as_of_date,
        settings.calibrated_on,
        least({{ days_after('spells_with_terms.ended_on', -1) }}, settings.as_of_date)
            as last_day,
        least({{ days_after('spells_with_terms.ended_on', -1) }}, settings.calibrated_on)
            as last_calibration_day
    from spells_with_terms
    cross join settings
)

select
    -- keys
    customer_id,
    spell_number,
    billing_term,

    -- what its terms are counted by
    started_on,
    ended_on,
    months_in_term,
    days_in_term,

    -- by as-of
    {{ terms_between('started_on', 'last_day') }} as renewals,
    ended_on <= as_of_date as is_churned,

    -- by the day before the hold-out; NULL if the spell had not begun
    case
        when started_on <= calibrated_on
            then {{ terms_between('started_on', 'last_calibration_day') }}
    end as calibration_renewals,
    case when started_on <= calibrated_on then ended_on <= calibrated_on end
        as is_calibration_churned,

    -- in the hold-out: the renewals by as-of if nobody leaves
    case
        when started_on <= calibrated_on then {{ terms_between('started_on', 'as_of_date') }}
    end as renewals_if_kept
from spells_looked_at
