-- Grain: one row per Shopify order of goods, with its totals.

with

order_rows as (
    select * from {{ ref('shopify__rows') }}
),

totals as (
    select
        order_id,
        sum(case when line_kind = 'goods' then line_price else 0 end) as goods,
        sum(case when line_kind = 'gift card' then line_price else 0 end) as gift_cards,
        sum(case when line_kind = 'tip' then line_price else 0 end) as tips,
        sum(case when line_kind = 'goods' then line_cost end) as goods_cost,
        count(case when line_kind = 'goods' and line_cost is null then 1 end) as lines_without_cost
    from order_rows
    group by order_id
),

priced as (
    select
        order_rows.*,
        totals.goods,
        totals.gift_cards,
        totals.tips,
        case when totals.lines_without_cost = 0 then totals.goods_cost end as goods_cost,
        totals.goods + totals.gift_cards
        - coalesce(
            order_rows.subtotal,
            totals.goods + totals.gift_cards - coalesce(order_rows.discount_amount, 0)
        ) as off_goods,
        order_rows.total - totals.gift_cards - totals.tips as paid
    from order_rows
    inner join totals
        on order_rows.order_id = totals.order_id
    where
        order_rows.id is not null
        and totals.goods > 0
        -- the test gateway
        and coalesce(order_rows.payment_method, '') <> 'bogus'
)

select
    *,
    -- what remains of a price without tax, where prices include it
    case
        when
            taxes > 0
            and paid > 0
            and total = subtotal + coalesce(shipping, 0) + coalesce(duties, 0) + tips
            then cast(paid - taxes as double) / paid
        else 1
    end as net_share
from priced
