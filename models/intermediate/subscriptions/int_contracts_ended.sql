-- Grain: one row per customer and day on which a paid contract stopped, and what it says about why.

with

-- a paid version and the unpaid ones after it, such as a pause, share a number
versions_numbered as (
    select
        *,
        sum(case when is_paying then 1 else 0 end) over (
            partition by subscription_id, item_id
            order by version_number
            rows unbounded preceding
        ) as paid_number,
        coalesce(
            lead(is_paying) over (
                partition by subscription_id, item_id
                order by version_number
            ),
            true
        ) as is_last_word
    from {{ ref('int_subscription_versions') }}
    where stopped_on is null or started_on < stopped_on
),

-- who never came back from a pause says at its end why
last_words as (
    select
        subscription_id,
        item_id,
        paid_number,
        cancel_reason,
        is_involuntary
    from versions_numbered
    where is_last_word and not is_paying
),

contracts as (
    select
        versions.customer_id,
        versions.subscription_id,
        versions.item_id,
        versions.stopped_on,
        versions.mrr_amount,
        coalesce(
            {{ known_reason('versions.cancel_reason') }},
            {{ known_reason('last_words.cancel_reason') }}
        ) as cancel_reason,
        coalesce(versions.is_involuntary, last_words.is_involuntary) as is_involuntary
    from versions_numbered as versions
    left join last_words
        on
            versions.subscription_id = last_words.subscription_id
            and versions.item_id is not distinct from last_words.item_id
            and versions.paid_number = last_words.paid_number
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
