-- The movements of each customer up to as-of add up to the MRR of the versions that run on that
-- day, and to the MRR after the last movement.
with

moved as (
    select
        customer_id,
        sum(mrr_change_amount) as mrr_amount
    from {{ ref('fct_mrr_movements') }}
    group by customer_id
),

left_behind as (
    select
        customer_id,
        mrr_after_amount as mrr_amount
    from {{ ref('fct_mrr_movements') }}
    qualify row_number() over (
        partition by customer_id
        order by moved_on desc, case when movement = 'fx' then 1 else 0 end
    ) = 1
),

running as (
    select
        versions.customer_id,
        sum(versions.mrr_amount) as mrr_amount
    from {{ ref('fct_subscription_versions') }} as versions
    inner join {{ ref('int_run_settings') }} as settings
        on
            versions.started_on <= settings.as_of_date
            and coalesce(versions.stopped_on > settings.as_of_date, true)
    group by versions.customer_id
),

customers as (
    select customer_id from moved
    union
    select customer_id from running
)

select
    customers.customer_id,
    moved.mrr_amount as moved_amount,
    left_behind.mrr_amount as left_behind_amount,
    running.mrr_amount as running_amount
from customers
left join moved
    on customers.customer_id = moved.customer_id
left join left_behind
    on customers.customer_id = left_behind.customer_id
left join running
    on customers.customer_id = running.customer_id
where
    coalesce(moved.mrr_amount, 0) <> coalesce(running.mrr_amount, 0)
    or coalesce(moved.mrr_amount, 0) <> coalesce(left_behind.mrr_amount, 0)
