-- Grain: one row per customer, day, kind of movement, plan, billing term and currency.
{%- set plan = ['plan_id', 'billing_term', 'currency'] %}
{%- set keys = ['customer_id', 'changed_on'] + plan %}
{%- set moved = 'least(day_gained_amount, day_lost_amount)' %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- what the exchange rate did comes first; after it, a plan gains or loses on a day
plan_changes as (
    select
        changes.{{ keys | join(',\n        changes.') }},
        changes.mrr_change_amount,
        changes.fx_change_amount,
        greatest(changes.mrr_change_amount - changes.fx_change_amount, 0) as gained_amount,
        greatest(changes.fx_change_amount - changes.mrr_change_amount, 0) as lost_amount
    from {{ ref('int_mrr_changes') }} as changes
    cross join settings
    where
        changes.changed_on <= settings.as_of_date
        -- a change of cost alone does not move revenue
        and (changes.mrr_change_amount <> 0 or changes.fx_change_amount <> 0)
),

plan_changes_of_days as (
    select
        *,
        sum(mrr_change_amount) over (
            partition by customer_id, {{ plan | join(', ') }}
            order by changed_on
            rows unbounded preceding
        ) as mrr_after_amount,
        sum(gained_amount) over customer_day as day_gained_amount,
        sum(lost_amount) over customer_day as day_lost_amount,
        sum(gained_amount) over plans_so_far as gained_so_far_amount,
        sum(lost_amount) over plans_so_far as lost_so_far_amount
    from plan_changes
    window
        customer_day as (partition by customer_id, changed_on),
        plans_so_far as (
            partition by customer_id, changed_on
            order by {{ plan | join(', ') }}
            rows unbounded preceding
        )
),

-- what some plans lose and others gain on a day has moved between them
days_moved as (
    select
        *,
        mrr_after_amount - mrr_change_amount as mrr_before_amount,
        coalesce({{ rate(moved, 'day_gained_amount') }}, 0) as moved_share_of_gains,
        coalesce({{ rate(moved, 'day_lost_amount') }}, 0) as moved_share_of_losses
    from plan_changes_of_days
),

-- each plan's part is cut from the running total, so that the cents add up
plan_changes_moved as (
    select
        *,
        {{ in_cents('moved_share_of_gains * gained_so_far_amount') }}
        - {{ in_cents('moved_share_of_gains * (gained_so_far_amount - gained_amount)') }}
            as moved_in_amount,
        {{ in_cents('moved_share_of_losses * lost_so_far_amount') }}
        - {{ in_cents('moved_share_of_losses * (lost_so_far_amount - lost_amount)') }}
            as moved_out_amount
    from days_moved
),

-- what is left is what the customer's own movement of the day is made of
customer_movements as (
    select * from {{ ref('fct_mrr_movements') }}
    where movement <> 'fx'
),

movements as (
    select
        {{ keys | join(',\n        ') }},
        'fx' as movement,
        mrr_before_amount,
        fx_change_amount as mrr_change_amount
    from plan_changes_moved
    where fx_change_amount <> 0

    union all

    select
        {{ keys | join(',\n        ') }},
        case when moved_in_amount > 0 then 'plan_in' else 'plan_out' end as movement,
        mrr_before_amount + fx_change_amount as mrr_before_amount,
        moved_in_amount - moved_out_amount as mrr_change_amount
    from plan_changes_moved
    where moved_in_amount > 0 or moved_out_amount > 0

    union all

    select
        plan_changes_moved.{{ keys | join(',\n        plan_changes_moved.') }},
        customer_movements.movement,
        plan_changes_moved.mrr_before_amount
        + plan_changes_moved.fx_change_amount
        + plan_changes_moved.moved_in_amount
        - plan_changes_moved.moved_out_amount as mrr_before_amount,
        plan_changes_moved.mrr_change_amount
        - plan_changes_moved.fx_change_amount
        - plan_changes_moved.moved_in_amount
        + plan_changes_moved.moved_out_amount as mrr_change_amount
    from plan_changes_moved
    inner join customer_movements
        on
            plan_changes_moved.customer_id = customer_movements.customer_id
            and plan_changes_moved.changed_on = customer_movements.moved_on
    where
        plan_changes_moved.gained_amount > plan_changes_moved.moved_in_amount
        or plan_changes_moved.lost_amount > plan_changes_moved.moved_out_amount
)

select
    -- keys
    customer_id,
    changed_on as moved_on,
    movement,
    plan_id,
    billing_term,
    currency,

    -- amounts
    {{ as_amount('mrr_before_amount') }} as mrr_before_amount,
    {{ as_amount('mrr_change_amount') }} as mrr_change_amount,
    {{ as_amount('mrr_before_amount + mrr_change_amount') }} as mrr_after_amount
from movements
