-- Grain: one row per purchase that somebody set out to make, with its lines.

create table plan_orders as
with purchases as (
    select
        order_no,
        customer_no,
        purchase_no,
        ordered_at,
        null as campaign_no
    from plan_purchases

    union all

    -- Those that a campaign has brought about come after the last number: every draw
    -- hangs on the number, so all other orders are what they were without campaigns.
    select
        (select max(order_no) from plan_purchases)
        + row_number() over (order by campaign_no, customer_no) as order_no,
        customer_no,
        purchases_before + 1 as purchase_no,
        buys_at as ordered_at,
        campaign_no
    from plan_campaign_members
    where is_moved
),

sized as (
    select
        purchases.*,
        basket_size,
        vertical_no,
        least(most_categories, 1 + purchase_no // widening_orders) as known_categories,
        -- one half of the customers starts with the vertical's second category
        purchases.customer_no % 2 as first_category,
        -- a mail sells one thing
        if(
            campaign_no is null,
            pick(rnd(order_no, 'lines'), [1, 2, 3, 4, 5], [0.25, 0.55, 0.77, 0.92]),
            1
        ) as line_count,
        case
            -- an order that counts, so that a lift is what parameters.sql says
            when campaign_no is not null then 'kept'
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
        ordered_at + to_hours(50 + (order_no % 450)::int) as settled_at,
        region
    from purchases
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
        }) as own_lines,
        list_sum(list_transform(
            own_lines,
            lambda line: getvariable('prices')[line.product_no] * line.quantity
        ))::bigint as own_cents,
        -- what the best customers of the region also buy
        case
            when own_cents >= getvariable('large_order_cents')
                and line_count < 5
                and rnd(order_no, 'also') < if(purchase_no = 1, 0.9, 0.3)
                then getvariable('regional_tastes')[region]
        end::utinyint as added_product_no
    from sized
)

select
    order_no,
    customer_no,
    purchase_no,
    campaign_no,
    ordered_at,
    settled_at,
    if(
        outcome in ('returned', 'refunded', 'partly_refunded', 'adjusted')
        and settled_at >= ends_at(),
        'kept',
        outcome
    ) as outcome,
    if(
        added_product_no is null,
        own_lines,
        own_lines || [{'product_no': added_product_no, 'quantity': 1::utinyint}]
    ) as lines,
    own_cents + coalesce(getvariable('prices')[added_product_no], 0) as cents
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
