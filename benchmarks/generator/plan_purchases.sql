-- Grain: one row per purchase that somebody sets out to make of his own.
create table plan_purchases as
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
)

select
    customer_no,
    ordered_at,
    attempt_no + 1 as purchase_no,
    row_number() over (order by ordered_at, customer_no, attempt_no) as order_no
from timed;
