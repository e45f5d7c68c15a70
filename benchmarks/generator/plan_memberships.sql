-- Grain: one row per loyalty membership in the first programme.
create table plan_memberships as
select
    customer_no,
    orders,
    first_ordered_at + to_hours(floor(1200 * rnd(customer_no, 'joins_club'))::int)
        as joined_at,
    last_ordered_at
from plan_histories
where
    orders > 1
    and rnd(customer_no, 'club') < 0.4
    and first_ordered_at + interval 1200 hour < ends_at();
