-- Grain: one row per customer whose newest row of customers was rejected.

with

rejected_customers as (
    select distinct customer_id
    from {{ ref('base_customers') }}
    where rejection_reasons is not null and customer_id is not null
),

-- ordered as the base table chooses the newest of several rows; equal ranks are equally new
rows_ranked as (
    select
        customers.customer_id,
        customers.rejection_reasons,
        rank() over (
            partition by customers.customer_id
            order by customers.updated_at desc nulls last, customers.raw_file_name desc nulls last
        ) as newness_rank
    from {{ ref('base_customers') }} as customers
    inner join rejected_customers
        on customers.customer_id = rejected_customers.customer_id
    where customers.is_accepted or customers.rejection_reasons is not null
)

select distinct customer_id
from rows_ranked
where
    rejection_reasons is not null
    -- a row whose own time cannot be read may be the newest
    and (newness_rank = 1 or rejection_reasons like '%invalid_updated_at%')
