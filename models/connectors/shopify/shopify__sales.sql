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

-- an export that was worked on may have the id on every row of an order
first_rows as (
    select
        *,
        row_number() over (partition by order_id order by file_row) as row_of_order
    from order_rows
    where id is not null
),

priced as (
    select
        first_rows.*,
        totals.goods,
        totals.gift_cards,
        totals.tips,
        case when totals.lines_without_cost = 0 then totals.goods_cost end as goods_cost,
        coalesce(
            first_rows.subtotal,
            totals.goods + totals.gift_cards - coalesce(first_rows.discount_amount, 0)
        ) as discounted,
        first_rows.total - totals.gift_cards - totals.tips as paid
    from first_rows
    inner join totals
        on first_rows.order_id = totals.order_id
    where
        first_rows.row_of_order = 1
        -- without a price that can be read, the order is rejected by name
        and (totals.goods > 0 or totals.goods is null)
        -- the test gateway
        and coalesce(first_rows.payment_method, '') <> 'bogus'
),

summed as (
    select
        *,
        goods + gift_cards - discounted as off_goods,
        -- the total where prices include tax, unless a discount was on the delivery
        discounted + coalesce(shipping, 0) + coalesce(duties, 0) + tips as gross_total,
        case
            when discount_amount > goods + gift_cards - discounted and shipping > 0
                then least(discount_amount - (goods + gift_cards - discounted), shipping)
            else 0
        end as off_delivery
    from priced
)

select
    *,
    -- what remains of a price without tax, where prices include it
    case
        when
            taxes > 0
            and paid > 0
            and total in (gross_total, gross_total - off_delivery)
            and total <> gross_total - off_delivery + taxes
            then cast(paid - taxes as double) / paid
        else 1
    end as net_share
from summed
