with memberships as (
    select
        customer_no,
        'club' as programme,
        joined_at,
        case
            when rnd(customer_no, 'leaves_club') < 0.12
                then joined_at + (ends_at() - joined_at) * rnd(customer_no, 'leaves_on')
        end as left_at,
        case
            when orders < 6 then 'bronze' when orders < 20 then 'silver' else 'gold'
        end as tier
    from plan_memberships

    union all

    -- a paid one for the best
    select
        customer_no,
        'club_plus' as programme,
        joined_at + interval 200 day as joined_at,
        null as left_at,
        null as tier
    from plan_memberships
    where
        orders > 15
        and rnd(customer_no, 'plus') < 0.3
        and joined_at + interval 200 day < ends_at()
)

select
    row_number() over (order by customer_no, programme) as _row,
    customer_id_of(customer_no) as customer_id,
    programme,
    joined_at,
    date_trunc('second', left_at) as left_at,
    tier
from memberships
