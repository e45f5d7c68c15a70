-- Whoever leaves a subscription loses recurring revenue, unless what ends was bought for life.
select events.*
from {{ ref('fct_churn_events') }} as events
left join {{ ref('int_subscription_versions') }} as for_life
    on
        events.customer_id = for_life.customer_id
        and events.churned_on = for_life.stopped_on
        and for_life.is_for_life
where
    events.relationship = 'subscription'
    and events.lost_mrr_amount <= 0
    and for_life.customer_id is null
