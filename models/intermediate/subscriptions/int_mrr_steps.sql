-- Grain: one row per customer and day on which recurring revenue, its margin or its part without a
-- known cost changed.
{{ config(materialized='table') }}

with

-- everything that happens on a day, across plans, is one change
days as (
    select
        customer_id,
        changed_on,
        sum(mrr_change_amount) as mrr_change,
        sum(fx_change_amount) as fx_change,
        sum(margin_change_amount) as margin_change,
        sum(uncosted_mrr_change_amount) as uncosted_change
    from {{ ref('int_mrr_changes') }}
    group by customer_id, changed_on
),

days_cumulated as (
    select
        *,
        sum(mrr_change) over customer_days as mrr_after,
        sum(margin_change) over customer_days as margin_after,
        sum(uncosted_change) over customer_days as uncosted_after
    from days
    window customer_days as (
        partition by customer_id
        order by changed_on
        rows unbounded preceding
    )
)

select
    -- keys
    customer_id,
    row_number() over (
        partition by customer_id
        order by changed_on
    ) as step_number,

    -- dates
    changed_on,

    -- amounts
    {{ as_amount('mrr_after - mrr_change') }} as mrr_before_amount,
    {{ as_amount('fx_change') }} as fx_change_amount,
    {{ as_amount('mrr_after') }} as mrr_after_amount,
    {{ as_amount('margin_after - margin_change') }} as margin_before_amount,
    {{ as_amount('margin_after') }} as margin_after_amount,
    {{ as_amount('uncosted_after - uncosted_change') }} as uncosted_mrr_before_amount,
    {{ as_amount('uncosted_after') }} as uncosted_mrr_after_amount
from days_cumulated
where mrr_change <> 0 or fx_change <> 0 or margin_change <> 0 or uncosted_change <> 0
