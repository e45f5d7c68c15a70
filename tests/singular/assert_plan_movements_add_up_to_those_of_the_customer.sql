-- On each day the movements of a customer's plans add up to the customer's own, kind by kind, and
-- what moves between plans adds up to zero.
with

movements as (
    select
        customer_id,
        moved_on,
        case when movement in ('plan_in', 'plan_out') then 'moved' else movement end as movement,
        mrr_change_amount
    from {{ ref('fct_mrr_plan_movements') }}

    union all

    select
        customer_id,
        moved_on,
        movement,
        -mrr_change_amount as mrr_change_amount
    from {{ ref('fct_mrr_movements') }}
)

select
    customer_id,
    moved_on,
    movement,
    sum(mrr_change_amount) as plans_above_customer
from movements
group by customer_id, moved_on, movement
having sum(mrr_change_amount) <> 0
