-- Grain: one row per shopper. Numbers above the customer count are the anonymous:
-- people who buy once without leaving a name.

-- The calendar of each vertical as a map from "busy days" to days. A purchase rhythm
-- runs in busy days: in season they pass faster than the calendar, so a peak needs no
-- second mechanism and a customer's gaps shrink in December as everybody's do.
create table busy_days as
with days as (
    select
        range as day_no,
        getvariable('starts_on')::date + range::int as calendar_day
    from range(getvariable('days'))
),

weighed as (
    select
        vertical_no,
        day_no,
        season[month(calendar_day)] as weight
    from verticals
    cross join days
),

-- whole numbers, so that the sums are exact whatever the number of threads
placed as (
    select
        vertical_no,
        day_no,
        sum(weight) over (partition by vertical_no order by day_no)
            * getvariable('days')
            // sum(weight) over (partition by vertical_no) as busy_day
    from weighed
)

select
    vertical_no,
    busy_days.range::int as busy_day,
    min(day_no)::int as day_no
from range(getvariable('days')) as busy_days
inner join placed
    on placed.busy_day >= least(busy_days.range + 1, getvariable('days') - 1)
group by all;

create table plan_customers as
with shoppers as (
    select
        range as customer_no,
        range <= getvariable('customers') as is_known
    from range(1, 1 + getvariable('customers') + getvariable('customers') * 3 // 10)
),

drawn as (
    select
        *,
        -- customers are numbered in the order in which they came
        case
            when is_known
                then (customer_no - rnd(customer_no, 'came')) / getvariable('customers')
            else rnd(customer_no, 'came')
        end as arrival_rank,
        pick(
            rnd(customer_no, 'vertical'),
            [1, 2, 3, 4, 5, 6],
            [0.21, 0.49, 0.74, 0.88, 0.985]
        ) as vertical_no,
        pick(
            rnd(customer_no, 'channel'),
            [1, 2, 3, 4, 5, 6, 7],
            [0.28, 0.48, 0.66, 0.80, 0.90, 0.97]
        ) as channel_no,
        pick(
            rnd(customer_no, 'region'),
            ['dach', 'benelux', 'united_kingdom', 'united_states', null],
            [0.42, 0.62, 0.80, 0.97]
        ) as region,
        -- few businesses have an unknown size, few people anything but "consumer"
        pick(
            rnd(customer_no, 'segment'),
            ['consumer', 'small_business', 'enterprise', null],
            [0.80, 0.93, 0.98]
        ) as customer_segment,
        pick(
            rnd(customer_no, 'kind'),
            ['prospect', 'subscriber', 'buyer'],
            [0.07, 0.15]
        ) as drawn_kind,
        rnd(customer_no, 'loyalty') as loyalty_draw
    from shoppers
),

described as (
    select
        drawn.*,
        verticals.* exclude (vertical_no),
        channels.* exclude (channel_no),
        -- arrivals grow evenly; at the end of the years they are 2.2 times those at the
        -- start
        getvariable('days') * (sqrt(1 + 3.84 * arrival_rank) - 1) / 1.2 as busy_joined,
        case
            when customer_segment in ('small_business', 'enterprise')
                then pick_evenly(
                    rnd(customer_no, 'industry'), ['hospitality', 'services', 'retail']
                )
        end as industry,
        case region
            when 'united_kingdom' then 'GBP' when 'united_states' then 'USD' else 'EUR'
        end as currency,
        rnd(customer_no, 'discounted')
        < if(channel in ('paid_social', 'partner'), 0.35, 0.12) as is_discount_acquired
    from drawn
    inner join verticals using (vertical_no)
    inner join channels using (channel_no)
),

-- Four habits. Who came through a good channel, or without a discount, more often has a
-- lasting one.
with_habit as (
    select
        *,
        least(
            0.92, one_time_share * one_time_factor * if(is_discount_acquired, 1.12, 1.0)
        ) as one_time_limit,
        case
            when not is_known then 'one_time'
            when drawn_kind != 'buyer' then drawn_kind
            when loyalty_draw < one_time_limit then 'one_time'
            when loyalty_draw < one_time_limit + (1 - one_time_limit) * 0.15
                then 'returning'
            when loyalty_draw
                < one_time_limit + (1 - one_time_limit) * (0.15 + 0.45 / life_factor)
                then 'dropout'
            else 'steady'
        end as habit
    from described
)

select
    customer_no,
    is_known,
    vertical_no,
    vertical,
    window_days,
    channel,
    region,
    industry,
    customer_segment,
    currency,
    is_discount_acquired,
    cost_per_customer,
    habit,
    busy_joined,
    busy_days.day_no as joined_day_no,
    getvariable('starts_on')::timestamp
    + to_days(busy_days.day_no)
    + to_seconds(second_of_day(customer_no, 'joined')) as joined_at,

    -- the rhythm, in busy seconds: nobody buys on schedule for ever
    (86400 * gap_days * (0.65 + 0.5 * rnd(customer_no, 'gap')))::bigint as gap_seconds,
    case habit
        when 'steady' then 86400 * 9999
        when 'one_time' then 0
        else 86400 * (
            1.5 * gap_days
            + life_days * life_factor * rnd_exponential(customer_no, 'life')
        )
    end::bigint as first_life_seconds,
    case
        when habit = 'returning'
            then 86400 * (
                1.5 * gap_days + 0.7 * life_days * rnd_exponential(customer_no, 'again')
            )
        else 0
    end::bigint as second_life_seconds,
    (86400 * window_days * (1.3 + 2 * rnd(customer_no, 'break')))::bigint
        as break_seconds,

    -- what they buy: every so many orders one more category comes in
    1 + floor(5 * rnd(customer_no, 'breadth'))::int as most_categories,
    3 + floor(8 * rnd(customer_no, 'widening'))::int as widening_orders,
    case customer_segment
        when 'small_business' then 2 when 'enterprise' then 4 else 1
    end as basket_size,

    -- some say no, and of one in five nobody knows
    pick(rnd(customer_no, 'may_contact'), [false, null, true], [0.08, 0.28])
        as may_contact
from with_habit
inner join busy_days using (vertical_no)
where busy_days.busy_day = floor(busy_joined)::int;
