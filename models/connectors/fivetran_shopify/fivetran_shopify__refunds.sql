-- Grain: one row per Shopify order of goods with a refund.

with

sales as (
    select
        order_id,
        net_share,
        coalesce(taxes_included, false) as is_gross
    from {{ ref('fivetran_shopify__sales') }}
),

refunds as (
    select
        id as refund_id,
        {{ source_key('order_id') }} as order_id,
        coalesce(processed_at, created_at) as refunded_at
    from ({{ current_rows('fivetran_shopify.refund') }}) as refunds
),

refund_lines as (
    select
        id,
        refund_id,
        order_line_id,
        subtotal,
        total_tax
    from ({{ current_rows('fivetran_shopify.order_line_refund') }}) as rest_lines

    union distinct

    select
        id,
        refund_id,
        order_line_id,
        subtotal,
        total_tax
    from ({{ current_rows('fivetran_shopify.refund_line_item') }}) as graphql_lines
),

refunded_parts as (
    select
        refunds.order_id,
        refunds.refunded_at,
        refund_lines.subtotal
        - case when sales.is_gross then coalesce(refund_lines.total_tax, 0) else 0 end as amount
    from refund_lines
    inner join refunds
        on refund_lines.refund_id = refunds.refund_id
    inner join sales
        on refunds.order_id = sales.order_id
    inner join {{ ref('fivetran_shopify__lines') }} as order_lines
        on
            refund_lines.order_line_id = order_lines.line_id
            and order_lines.line_kind = 'goods'

    union all

    -- what was paid back beyond the lines, or kept; the delivery is another kind
    select
        refunds.order_id,
        refunds.refunded_at,
        -adjustments.amount * sales.net_share as amount
    from ({{ current_rows('fivetran_shopify.order_adjustment') }}) as adjustments
    inner join refunds
        on adjustments.refund_id = refunds.refund_id
    inner join sales
        on refunds.order_id = sales.order_id
    where coalesce(lower(adjustments.kind), 'refund_discrepancy') = 'refund_discrepancy'
)

select
    order_id,
    max(refunded_at) as refunded_at,
    {{ as_amount('greatest(sum(amount), 0)') }} as refunded_amount
from refunded_parts
group by order_id
