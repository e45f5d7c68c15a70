-- Grain: one row per running subscription of a long term.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- a customer who has asked to cancel renews nothing, and a failed payment is an earlier matter
versions as (
    select
        versions.*,
        settings.as_of_date,
        {{ months_of_term() }} as months_in_term,
        {{ days_of_term() }} as days_in_term
    from {{ ref('int_subscription_versions') }} as versions
    cross join settings
    where
        versions.is_paying
        and versions.status <> 'past_due'
        and versions.started_on <= settings.as_of_date
        and coalesce(versions.stopped_on > settings.as_of_date, true)
        and coalesce(versions.cancel_requested_on > settings.as_of_date, true)
),

long_versions as (
    select
        *,
        {{ term_anchor() }} as anchor_on
    from versions
    where {{ is_long_term() }}
)

select
    -- keys
    subscription_id,
    item_id,
    started_at,
    customer_id,
    plan_id,

    -- dates
    case
        when anchor_on > as_of_date then anchor_on
        else {{ terms_after('anchor_on', terms_between('anchor_on', 'as_of_date') ~ ' + 1') }}
    end as renewal_on,

    -- words
    {{ billing_term() }} as billing_term,

    -- amounts
    margin_mrr_amount
from long_versions
