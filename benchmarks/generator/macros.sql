-- Randomness and small helpers.
--
-- Every draw is a hash of what it is for: the row's number, a word that names the draw
-- and the seed. So a row's values never depend on how many rows there are before it, on
-- threads or on the order of work.

-- A uniform draw in [0, 1). The last argument of hash() is only XORed in, which would
-- make two seeds mirror images of each other: the 0 keeps seed and word away from that
-- place.
create macro rnd(number, word) as
    (hash(number, word, getvariable('seed'), 0) >> 11)::double / 9007199254740992;

-- A waiting time with mean 1 and coefficient of variation 0.58 (gamma, shape 3): people
-- with a habit are more regular than chance, and nobody is a clock.
create macro rnd_gamma(number, word) as
    -ln(
        (1 - rnd(number, word || '1'))
        * (1 - rnd(number, word || '2'))
        * (1 - rnd(number, word || '3'))
    ) / 3;

-- A waiting time with mean 1 and no memory.
create macro rnd_exponential(number, word) as -ln(1 - rnd(number, word));

-- The value whose share the draw falls into; the last one takes the rest. Seven shares
-- at most: spelled out, it is several times as fast as a lambda, and every order needs
-- it.
create macro pick(draw, choices, cumulative_shares) as choices[
    1
    + coalesce((draw >= cumulative_shares[1])::int, 0)
    + coalesce((draw >= cumulative_shares[2])::int, 0)
    + coalesce((draw >= cumulative_shares[3])::int, 0)
    + coalesce((draw >= cumulative_shares[4])::int, 0)
    + coalesce((draw >= cumulative_shares[5])::int, 0)
    + coalesce((draw >= cumulative_shares[6])::int, 0)
    + coalesce((draw >= cumulative_shares[7])::int, 0)
];

create macro pick_evenly(draw, choices) as choices[1 + floor(draw * len(choices))::int];

create macro as_amount(cents) as (cents::decimal(15, 0) * 0.01)::decimal(18, 2);

-- The category that a vertical's customers come to in the given place, from 1.
create macro category_at(vertical_no, place) as
    getvariable('category_order')[8 * (vertical_no - 1) + place];

create macro customer_id_of(customer_no) as 'C' || lpad(customer_no::varchar, 7, '0');
create macro order_id_of(prefix, order_no) as prefix || lpad(order_no::varchar, 9, '0');
create macro subscription_id_of(subscription_no) as
    'S' || lpad(subscription_no::varchar, 8, '0');
create macro campaign_id_of(campaign_no) as 'CMP' || lpad(campaign_no::varchar, 2, '0');

create macro ends_at() as getvariable('ends_on')::timestamp + interval 1 day;

-- A time of day in seconds, 7:00 to 22:59, most of it around mid-afternoon.
create macro second_of_day(number, word) as
    25200 + floor(28800 * (rnd(number, word || 'h') + rnd(number, word || 's')))::int;

create macro reason_of(draw) as pick(
    draw,
    ['price', 'no_longer_needed', 'competitor', 'poor_service', 'moved_away'],
    [0.30, 0.55, 0.77, 0.90]
);
