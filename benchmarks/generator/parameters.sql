-- The made-up company: every number a reader might want to turn.

-- gap_days: mean days between purchases of a buyer with a habit; window_days: the
-- activity window the warehouse uses, which must be far above the gap; one_time_share:
-- buyers who never come back; life_days: mean days until a buyer who drops out does;
-- season: weight of each calendar month, January first; categories: own first, then
-- what is added later.
create table verticals as
from (values
    (
        1, 'grocery', 30, 8.8, 0.38, 220,
        [97, 95, 98, 102, 98, 96, 92, 90, 98, 100, 106, 128],
        [1, 2, 3, 8, 5, 4, 6, 7]
    ),
    (
        2, 'beauty', 60, 20.0, 0.44, 260,
        [88, 96, 95, 94, 110, 96, 88, 86, 94, 98, 124, 131],
        [3, 4, 5, 6, 1, 2, 8, 7]
    ),
    (
        3, 'fashion', 120, 42.0, 0.47, 320,
        [86, 82, 108, 116, 104, 92, 84, 82, 110, 116, 116, 104],
        [5, 6, 4, 3, 8, 7, 2, 1]
    ),
    (
        4, 'electronics', 270, 85.0, 0.50, 450,
        [84, 80, 84, 86, 86, 88, 88, 86, 96, 96, 158, 168],
        [7, 8, 5, 6, 4, 3, 2, 1]
    ),
    (
        5, 'home', 365, 110.0, 0.50, 540,
        [90, 92, 114, 122, 118, 98, 84, 82, 96, 100, 110, 94],
        [8, 7, 1, 2, 5, 3, 4, 6]
    ),
    (
        6, null, 60, 20.0, 0.44, 260,
        [94, 94, 98, 100, 100, 96, 92, 92, 98, 100, 114, 122],
        [2, 1, 3, 5, 4, 6, 8, 7]
    )
) as vertical (
    vertical_no, vertical, window_days, gap_days, one_time_share, life_days, season,
    categories
);

-- one_time_factor and life_factor: how the channel's buyers differ from the vertical's;
-- cost_per_customer: what it takes to win one, in EUR.
create table channels as
from (values
    (1, 'organic_search', 1.00, 1.00, 40),
    (2, 'paid_search', 1.05, 0.95, 190),
    (3, 'paid_social', 1.25, 0.75, 240),
    (4, 'referral', 0.65, 1.60, 70),
    (5, 'email', 0.85, 1.20, 50),
    (6, 'partner', 1.00, 1.00, 140),
    (7, null, 1.05, 0.95, 0)
) as channel (channel_no, channel, one_time_factor, life_factor, cost_per_customer);

create table product_categories as
from (values
    (1, 'fresh_food', ['Apples', 'Bread', 'Cheese', 'Salmon', 'Salad'],
        [320, 280, 640, 990, 350]),
    (2, 'pantry', ['Pasta', 'Coffee', 'Olive oil', 'Rice', 'Chocolate'],
        [190, 760, 890, 240, 310]),
    (3, 'skin_care', ['Day cream', 'Cleanser', 'Serum', 'Sunscreen', 'Face mask'],
        [1890, 1150, 3490, 1690, 790]),
    (4, 'fragrance', ['Cologne', 'Perfume', 'Candle', 'Diffuser', 'Gift box'],
        [4200, 6900, 1990, 2990, 5500]),
    (5, 'clothing', ['T-shirt', 'Jeans', 'Dress', 'Jacket', 'Sweater'],
        [1990, 5990, 6990, 11900, 4990]),
    (6, 'shoes', ['Sneakers', 'Boots', 'Sandals', 'Loafers', 'Socks'],
        [8990, 12900, 4990, 9900, 990]),
    (7, 'devices', ['Phone', 'Tablet', 'Headphones', 'Printer', 'Cable'],
        [59900, 38900, 12900, 18900, 1290]),
    (8, 'furnishing', ['Lamp', 'Chair', 'Desk', 'Rug', 'Shelf'],
        [4990, 8900, 24900, 11900, 6900])
) as category (category_no, category, names, price_cents);

-- What the best customers of a region buy besides, as numbers of products: candles, of
-- category fragrance, or T-shirts, of clothing. The best are those who spend so much at
-- once.
set variable large_order_cents = 25000;
set variable regional_tastes = map {
    'dach': 18, 'benelux': 18, 'united_kingdom': 21, 'united_states': 21
};

-- A device asks for service after so many pages.
set variable service_pages = 6000;

-- lift: how much more often the targeted members of a campaign buy within 14 days than
-- without it. A gift brings people in, free delivery a few, ten percent off or a mail
-- without an offer nobody. 3 and 6 hold nobody out, so nobody can tell; 2 and 10 move too
-- few for a small sample to be sure; 8 does nothing, but a November follows, and looking at before
-- and after would find an effect. Campaigns that are not listed change nothing.
create table campaign_lifts as
from (values
    (2, 0.10),
    (3, 0.20),
    (6, 0.10),
    (7, 0.25),
    (10, 0.10),
    (11, 0.30)
) as campaign_lift (campaign_no, lift);

-- the first twelve are for customers we already have
create table plan_campaigns as
with numbered as (
    select
        range::int as campaign_no,
        range > 12 as is_acquisition,
        (case when range > 12 then (range - 13) // 2 * 6 else (range - 1) * 3 end)::int
            as month_no
    from range(1, 25)
)
select
    campaign_no,
    is_acquisition,
    not is_acquisition and campaign_no % 3 != 0 as has_control,
    coalesce(lift, 0) as lift,
    [null, 'ten_percent_off', 'free_delivery', 'gift'][1 + campaign_no % 4] as offer,
    case
        when not is_acquisition then 'email'
        when campaign_no % 2 = 1 then 'paid_search'
        else 'paid_social'
    end as channel,
    getvariable('starts_on')::timestamp + to_months(month_no) + to_days(9)
        as started_at,
    getvariable('starts_on')::timestamp
    + to_months(month_no + if(is_acquisition, 6, 1)) + to_days(9) as ended_at
from numbered
left join campaign_lifts using (campaign_no);

-- as flat lists: looked up for every line, they are far cheaper than a join
set variable category_order = (
    select flatten(list(categories order by vertical_no)) from verticals
);
set variable prices = (
    select list(cents order by category_no, place)
    from (
        select
            category_no,
            unnest(price_cents) as cents,
            unnest(range(5)) as place
        from product_categories
    )
);
