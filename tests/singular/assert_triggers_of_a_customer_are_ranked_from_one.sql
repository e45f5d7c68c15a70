-- The triggers of a customer have the ranks 1 to n, and all triggers together too.
select
    triggers.customer_id,
    count(*) as triggers
from {{ ref('fct_customer_triggers') }} as triggers
group by triggers.customer_id
having
    min(triggers.customer_rank) <> 1
    or max(triggers.customer_rank) <> count(*)
    or count(distinct triggers.customer_rank) <> count(*)

union all

select
    'all' as customer_id,
    count(*) as triggers
from {{ ref('fct_customer_triggers') }} as triggers
having
    count(*) <> coalesce(max(triggers.overall_rank), 0)
    or count(distinct triggers.overall_rank) <> count(*)
