-- Grain: one row per Shopify order of goods, with its totals.

with

totals as (
    select
        order_id,
        sum(case when line_kind = 'goods' then line_price else 0 end) as goods,
        sum(case when line_kind = 'gift card' then line_price else 0 end) as gift_cards,
        sum(case when line_kind = 'tip' then line_price else 0 end) as tips,
        sum(case when line_kind = 'goods' then line_cost end) as goods_cost,
        count(case when line_kind = 'goods' and line_cost is null then 1 end) as lines_without_cost
    from {{ ref('fivetran_shopify__lines') }}
    group by order_id
),

priced as (
    select
        buyers.*,
        totals.goods,
        case when totals.lines_without_cost = 0 then totals.goods_cost end as goods_cost,
        totals.goods + totals.gift_cards
        - coalesce(
            buyers.subtotal_price,
            totals.goods + totals.gift_cards - coalesce(buyers.total_discounts, 0)
        ) as off_goods,
        -- gift cards and tips bear no tax
        buyers.total_price - totals.gift_cards
        - greatest(totals.tips, coalesce(buyers.total_tip_received, 0)) as taxed
    from {{ ref('fivetran_shopify__buyers') }} as buyers
    left join totals
        on buyers.order_id = totals.order_id
    -- without lines, or prices of them, an order is rejected later, and not lost
    where totals.goods > 0 or totals.goods is null
),

shared as (
    select
        *,
        -- what remains of a price without tax, where prices include it
        case
            when taxes_included and taxed > 0
                then cast(taxed - coalesce(total_tax, 0) as double) / taxed
            else 1
        end as net_share
    from priced
)

select
    *,
    -- an edited order may cost more than its lines say
    {{ in_cents('(goods - least(off_goods, 0)) * net_share') }} as amount,
    {{ in_cents('greatest(off_goods, 0) * net_share') }} as goods_discount
from shared
