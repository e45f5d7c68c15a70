-- Grain: one row per customer, day and kind of movement of recurring revenue.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

steps as (
    select
        steps.*,
        steps.mrr_before_amount + steps.fx_change_amount as mrr_after_fx_amount,
        lag(steps.changed_on) over (
            partition by steps.customer_id
            order by steps.changed_on
        ) as previous_changed_on
    from {{ ref('int_mrr_steps') }} as steps
    cross join settings
    where
        steps.changed_on <= settings.as_of_date
        -- a change of cost alone does not move revenue
        and (steps.mrr_before_amount <> steps.mrr_after_amount or steps.fx_change_amount <> 0)
),

movements as (
    -- first the part that exchange rates explain
    select
        customer_id,
        changed_on,
        previous_changed_on,
        'fx' as movement,
        mrr_before_amount,
        mrr_after_fx_amount as mrr_after_amount
    from steps
    where fx_change_amount <> 0

    union all

    -- then the rest; a customer who returns has also grown, so the order of these tests matters
    select
        customer_id,
        changed_on,
        case when fx_change_amount <> 0 then changed_on else previous_changed_on end
            as previous_changed_on,
        case
            when step_number = 1 then 'new'
            when mrr_before_amount = 0 then 'reactivation'
            when mrr_after_amount = 0 then 'churn'
            when mrr_after_amount > mrr_after_fx_amount then 'expansion'
            else 'contraction'
        end as movement,
        mrr_after_fx_amount as mrr_before_amount,
        mrr_after_amount
    from steps
    where mrr_after_amount <> mrr_after_fx_amount
)

select
    -- keys
    customer_id,
    changed_on as moved_on,
    movement,

    -- dates
    previous_changed_on as previous_moved_on,

    -- amounts
    {{ as_amount('mrr_before_amount') }} as mrr_before_amount,
    {{ as_amount('mrr_after_amount - mrr_before_amount') }} as mrr_change_amount,
    {{ as_amount('mrr_after_amount') }} as mrr_after_amount
from movements
