-- Grain: one row per customer who pays for a subscription on as-of.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

spells as (
    select
        spells.customer_id,
        spells.started_on as spell_started_on,
        settings.as_of_date
    from {{ ref('int_activity_spells') }} as spells
    cross join settings
    where spells.relationship = 'subscription' and spells.is_active
),

-- the margin of all subscriptions together
margins as (
    select
        steps.customer_id,
        steps.margin_after_amount as monthly_margin_amount
    from {{ ref('int_mrr_steps') }} as steps
    cross join settings
    where steps.changed_on <= settings.as_of_date
    qualify row_number() over (
        partition by steps.customer_id
        order by steps.changed_on desc
    ) = 1
),

-- the contract with the longest term, of those that run on as-of or ran until a gap within the
-- grace period
contracts as (
    select
        spells.customer_id,
        spells.spell_started_on,
        spells.as_of_date,
        {{ billing_term() }} as billing_term,
        {{ months_of_term() }} as months_in_term,
        {{ days_of_term() }} as days_in_term
    from spells
    inner join {{ ref('int_subscription_versions') }} as versions
        on
            spells.customer_id = versions.customer_id
            and spells.as_of_date >= versions.started_on
    where
        versions.is_paying
        and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
    qualify row_number() over (
        partition by spells.customer_id
        order by
            coalesce(versions.stopped_on > spells.as_of_date, true) desc,
            {{ months_of_term() }} + {{ days_of_term() }} * 12 / 365 desc,
            versions.started_on desc,
            versions.subscription_id asc,
            versions.item_id asc
    ) = 1
)

select
    -- keys
    contracts.customer_id,
    contracts.billing_term,

    -- in months, or in days for terms counted in days
    case when contracts.months_in_term > 0 then 'months' else 'days' end as term_unit,
    cast(contracts.months_in_term + contracts.days_in_term as bigint) as term_length,
    cast(case
        when contracts.months_in_term > 0
            then {{ whole_months_between('contracts.spell_started_on', 'contracts.as_of_date') }}
        else {{ days_between('contracts.spell_started_on', 'contracts.as_of_date') }}
    end as bigint) as contract_age,

    -- amounts
    margins.monthly_margin_amount
from contracts
inner join margins
    on contracts.customer_id = margins.customer_id
