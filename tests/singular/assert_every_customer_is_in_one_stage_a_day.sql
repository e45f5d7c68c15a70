-- Every customer is in exactly one stage a day, from the first known day on: a stay begins where
-- the one before ended, the first stay on the first known day, and the last one goes on.
with

stays as (
    select
        *,
        lead(entered_on) over (
            partition by customer_id
            order by stage_number
        ) as next_entered_on
    from {{ ref('fct_lifecycle_stages') }}
),

first_stays as (
    select * from stays
    where stage_number = 1
)

select
    customer_id,
    'a gap or an overlap' as what_is_wrong
from stays
where left_on is distinct from next_entered_on

union all

select
    coalesce(customers.customer_id, first_stays.customer_id) as customer_id,
    'not from the first known day on' as what_is_wrong
from (
    select customers_known.*
    from {{ ref('int_customers') }} as customers_known
    inner join {{ ref('int_run_settings') }} as settings
        on customers_known.known_since <= settings.as_of_date
) as customers
full join first_stays
    on customers.customer_id = first_stays.customer_id
where customers.known_since is distinct from first_stays.entered_on
