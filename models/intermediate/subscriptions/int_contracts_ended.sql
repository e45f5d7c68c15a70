-- Grain: one row per customer and day on which a paid contract stopped, and what it says about why.

with

versions_followed as (
    select
        *,
        {{ known_reason('cancel_reason') }} as known_reason,
        lag(stopped_on) over (
            partition by subscription_id, item_id
            order by version_number
        ) as previous_stopped_on
    from {{ ref('int_subscription_versions') }}
    where stopped_on is null or started_on < stopped_on
),

-- a paid version and the unpaid ones that follow it without a gap, such as a pause, share a number
versions_numbered as (
    select
        *,
        sum(case when is_paying or started_on > previous_stopped_on then 1 else 0 end) over (
            partition by subscription_id, item_id
            order by version_number
            rows unbounded preceding
        ) as stretch_number
    from versions_followed
),

-- who left by way of a pause may say why in it; the first reason counts
reasons_after as (
    select
        subscription_id,
        item_id,
        stretch_number,
        known_reason,
        is_involuntary
    from versions_numbered
    where not is_paying and status = 'paused'
    qualify row_number() over (
        partition by subscription_id, item_id, stretch_number
        order by case when known_reason is null then 1 else 0 end asc, version_number asc
    ) = 1
),

contracts as (
    select
        versions.customer_id,
        versions.subscription_id,
        versions.item_id,
        versions.stopped_on,
        versions.mrr_amount,
        coalesce(versions.known_reason, reasons_after.known_reason) as cancel_reason,
        coalesce(versions.is_involuntary, reasons_after.is_involuntary) as is_involuntary
    from versions_numbered as versions
    left join reasons_after
        on
            versions.subscription_id = reasons_after.subscription_id
            and versions.item_id is not distinct from reasons_after.item_id
            and versions.stretch_number = reasons_after.stretch_number
    where versions.is_paying and versions.stopped_on is not null
)

-- of several that end on a day, the one that gives a reason, then the one with the highest MRR
select
    customer_id,
    stopped_on,
    cancel_reason,
    is_involuntary
from contracts
qualify row_number() over (
    partition by customer_id, stopped_on
    order by
        case when cancel_reason is null then 1 else 0 end asc,
        mrr_amount desc,
        subscription_id asc,
        item_id asc
) = 1
