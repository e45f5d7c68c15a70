-- Grain: one row per purchase that somebody set out to make, with its lines.

create table plan_orders as
with buyers as (
    select
        *,
        getvariable('days') * 86400 - (busy_joined * 86400)::bigint as seconds_left
    from plan_customers
    where habit not in ('prospect', 'subscriber')
),

-- a few more than are needed: those after the last day, or the last of a life, fall
-- away
attempts as (
    select
        customer_no,
        gap_seconds,
        unnest(range(
            case
                when first_life_seconds = 0 then 1
                else 6 + least(
                    seconds_left, first_life_seconds + second_life_seconds
                ) * 5 // (gap_seconds * 4)
            end
        )) as attempt_no
    from buyers
),

-- whole seconds: their running sum is exact, in whatever order it is taken
aged as (
    select
        customer_no,
        attempt_no,
        sum(
            case
                when attempt_no = 0 then 0
                else (
                    gap_seconds * rnd_gamma(customer_no * 1000 + attempt_no, 'wait')
                )::bigint
            end
        ) over (partition by customer_no order by attempt_no) as age_seconds
    from attempts
),

placed as (
    select
        aged.customer_no,
        attempt_no,
        vertical_no,
        floor(busy_joined + (
            age_seconds + if(age_seconds > first_life_seconds, break_seconds, 0)
        ) / 86400)::int as busy_day
    from aged
    inner join buyers using (customer_no)
    where age_seconds <= first_life_seconds + second_life_seconds
),

timed as (
    select
        customer_no,
        attempt_no,
        getvariable('starts_on')::timestamp + to_days(day_no)
        + to_seconds(second_of_day(customer_no * 1000 + attempt_no, 'at')) as ordered_at
    from placed
    inner join busy_days using (vertical_no, busy_day)
),

numbered as (
    select
        customer_no,
        ordered_at,
        attempt_no + 1 as purchase_no,
        row_number() over (order by ordered_at, customer_no, attempt_no) as order_no
    from timed
),

sized as (
    select
        numbered.*,
        basket_size,
        vertical_no,
        least(most_categories, 1 + purchase_no // widening_orders) as known_categories,
        -- one half of the customers starts with the vertical's second category
        numbered.customer_no % 2 as first_category,
        pick(rnd(order_no, 'lines'), [1, 2, 3, 4, 5], [0.25, 0.55, 0.77, 0.92])
            as line_count,
        case
            when ordered_at > ends_at() - interval 4 day
                then pick(rnd(order_no, 'outcome'), ['kept', 'pending'], [0.6])
            else pick(
                rnd(order_no, 'outcome'),
                [
                    'kept', 'returned', 'refunded', 'partly_refunded', 'cancelled',
                    'adjusted'
                ],
                [0.90, 0.94, 0.96, 0.98, 0.996]
            )
        end as outcome,
        -- what is sent back or paid back is so within three weeks
        ordered_at + to_hours(50 + (order_no % 450)::int) as settled_at
    from numbered
    inner join plan_customers using (customer_no)
),

filled as (
    select
        *,
        list_transform(range(1, line_count + 1), lambda line_number: {
            'product_no': (
                5 * category_at(vertical_no, 1 + (
                    first_category
                    + floor(
                        known_categories
                        * rnd(order_no * 10 + line_number, 'category')
                        * rnd(order_no * 10 + line_number, 'habit')
                    )::int
                ) % greatest(2, known_categories))
                - floor(5 * rnd(order_no * 10 + line_number, 'product'))
            )::utinyint,
            'quantity': (
                basket_size
                * (1 + floor(3.2 * rnd(order_no * 10 + line_number, 'pieces') ** 3))
            )::utinyint
        }) as lines
    from sized
)

select
    order_no,
    customer_no,
    purchase_no,
    ordered_at,
    settled_at,
    if(
        outcome in ('returned', 'refunded', 'partly_refunded', 'adjusted')
        and settled_at >= ends_at(),
        'kept',
        outcome
    ) as outcome,
    lines,
    list_sum(list_transform(
        lines, lambda line: getvariable('prices')[line.product_no] * line.quantity
    ))::bigint as cents
from filled;

-- Grain: one row per buyer who gave a name; what the other tables need to know of them.
create table plan_histories as
select
    customer_no,
    count(*) as orders,
    min(ordered_at) as first_ordered_at,
    max(ordered_at) as last_ordered_at,
    sum(cents)::bigint as cents
from plan_orders
where customer_no <= getvariable('customers')
group by customer_no;
