-- Grain: one row per free trial of a subscription and item that began by as-of.
with

trials as (
    {{ episodes(waits="status = 'trialing'", pays='is_paying or is_for_life') }}
)

select
    -- keys
    subscription_id,
    item_id,
    customer_id,
    episode_number as trial_number,
    plan_id,

    -- dates
    began_on,
    ended_on,
    paid_on as converted_on,

    -- lengths
    {{ days_between('began_on', 'paid_on') }} as days_to_convert,

    -- words
    case outcome when 'paid' then 'converted' else outcome end as outcome
from trials
