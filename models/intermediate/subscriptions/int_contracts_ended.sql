-- Grain: one row per customer and day on which a paid contract stopped, and what it says about why.

-- of several that end on a day, the one that gives a reason, then the one with the highest MRR
select
    customer_id,
    stopped_on,
    nullif({{ reason_code('cancel_reason') }}, 'unknown') as cancel_reason,
    is_involuntary
from {{ ref('int_subscription_versions') }}
where is_paying and started_on < stopped_on
qualify row_number() over (
    partition by customer_id, stopped_on
    order by
        case when {{ reason_code('cancel_reason') }} = 'unknown' then 1 else 0 end asc,
        mrr_amount desc,
        subscription_id asc,
        item_id asc
) = 1
