-- Grain: one row per customer and stretch of days with the same MRR and margin above zero.

with

steps as (
    select
        customer_id,
        mrr_after_amount,
        margin_after_amount,
        changed_on,
        lead(changed_on) over (
            partition by customer_id
            order by changed_on
        ) as next_changed_on
    from {{ ref('int_mrr_steps') }}
)

select
    -- keys
    customer_id,

    -- dates
    changed_on as active_from,
    coalesce(next_changed_on, {{ open_end() }}) as active_to,

    -- amounts
    mrr_after_amount as mrr_amount,
    margin_after_amount as margin_mrr_amount
from steps
where mrr_after_amount > 0
