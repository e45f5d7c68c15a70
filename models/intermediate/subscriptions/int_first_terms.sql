-- Grain: one row per customer who ever paid for a subscription.

-- the contract a customer began with, and when its first term was over
select
    customer_id,
    started_on as first_paid_on,
    {{ terms_after('started_on', 1) }} as first_term_ended_on,
    coalesce(plan_id, 'unknown') as first_plan,
    {{ billing_term() }} as first_billing_term
from {{ ref('int_subscription_versions') }}
where is_paying and (stopped_on is null or started_on < stopped_on)
qualify row_number() over (
    partition by customer_id
    order by started_on asc, mrr_amount desc, subscription_id asc, item_id asc
) = 1
