-- The waits that reach the window in use are the spells of `orders` that are over, and those that
-- ended with a purchase are followed by another spell.
with

spells as (
    select
        customers.vertical,
        count(*) as ended_spells,
        count(spells.next_started_on) as reactivated_spells
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('dim_customers') }} as customers
        on spells.customer_id = customers.customer_id
    where spells.relationship = 'orders' and not spells.is_active
    group by customers.vertical
)

select
    fit.vertical,
    fit.waits,
    fit.returned_waits,
    spells.ended_spells,
    spells.reactivated_spells
from {{ ref('rpt_activity_window_fit') }} as fit
left join spells
    on fit.vertical = spells.vertical
where
    fit.is_chosen
    and (
        fit.waits <> coalesce(spells.ended_spells, 0)
        or fit.returned_waits <> coalesce(spells.reactivated_spells, 0)
    )
