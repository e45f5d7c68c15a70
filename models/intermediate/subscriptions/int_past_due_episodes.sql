-- Grain: one row per time that a subscription and item was past due, begun by as-of.
with

past_due as (
    {{ episodes(
        waits="is_paying and status = 'past_due'", pays="is_paying and status <> 'paused'"
    ) }}
)

select
    -- keys
    subscription_id,
    item_id,
    customer_id,
    episode_number,

    -- dates
    began_on,
    case outcome when 'paid' then paid_on when 'lost' then ended_on end as decided_on,

    -- amounts
    mrr_amount,

    -- words
    case outcome when 'paid' then 'recovered' else outcome end as outcome
from past_due
