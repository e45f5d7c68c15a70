-- Grain: one row per accepted order.
{%- set margin_rate = default_margin_rate() %}

with

orders as (
    select * from {{ ref('int_orders_classified') }}
),

returns_matched as (
    select * from {{ ref('int_returns_matched') }}
),

-- a return knows its sale, and a sale what came back of it; no order is both
orders_in_returns as (
    select
        order_id,
        sale_order_id,
        sale_date,
        {{ as_amount('0') }} as own_returned_amount,
        {{ as_amount('0') }} as returned_amount
    from returns_matched

    union all

    select
        sale_order_id as order_id,
        null as sale_order_id,
        null as sale_date,
        {{ as_amount('sum(own_returned_amount)') }} as own_returned_amount,
        {{ as_amount('sum(returned_amount)') }} as returned_amount
    from returns_matched
    group by sale_order_id
),

orders_with_returns as (
    select
        orders.*,
        orders_in_returns.sale_order_id,
        coalesce(orders_in_returns.sale_date, orders.order_date) as value_date,
        orders.own_refunded_amount + coalesce(orders_in_returns.own_returned_amount, 0)
            as own_taken_back_amount,
        coalesce(orders_in_returns.returned_amount, 0) as returned_amount
    from orders
    left join orders_in_returns
        on orders.order_id = orders_in_returns.order_id
),

-- in the row's own currency; returns and their costs are negative, whatever their sign in the data
orders_signed as (
    select
        *,
        case
            when not carries_revenue then 0
            when is_return then -abs(amount)
            else amount
        end as own_gross_amount,
        case
            when not carries_revenue or is_return then 0
            else own_discount_amount
        end as counted_discount_amount,
        case
            when not carries_revenue or is_return then 0
            else own_refunded_amount
        end as counted_refunded_amount,
        case
            when not carries_revenue then 0
            when is_return then -abs(own_cost_amount)
            else own_cost_amount
        end as counted_cost_amount,
        carries_revenue
        and is_sale
        and not (
            own_taken_back_amount > 0
            and own_taken_back_amount >= amount - own_discount_amount
        ) as is_purchase
    from orders_with_returns
),

orders_converted as (
    select
        *,
        {{ in_reporting_currency('own_gross_amount') }} as gross_amount,
        {{ in_reporting_currency('counted_discount_amount') }} as reporting_discount_amount,
        {{ in_reporting_currency('counted_refunded_amount') }} as reporting_refunded_amount,
        {{ in_reporting_currency('counted_cost_amount') }} as reporting_cost_amount
    from orders_signed
),

-- a refund has a day of its own, so margin is kept in two parts
orders_with_margin as (
    select
        *,
        case
            when reporting_cost_amount is null
                then {{ as_amount('(gross_amount - reporting_discount_amount) * ' ~ margin_rate) }}
            else {{ as_amount(
                'gross_amount - reporting_discount_amount - reporting_cost_amount'
            ) }}
        end as sale_margin_amount,
        case
            when reporting_cost_amount is null
                then {{ as_amount('-reporting_refunded_amount * ' ~ margin_rate) }}
            else {{ as_amount('-reporting_refunded_amount') }}
        end as refund_margin_amount
    from orders_converted
)

select
    -- keys
    order_id,
    customer_id,
    original_order_id,
    sale_order_id,
    subscription_id,

    -- dates
    ordered_at,
    order_date,
    value_date,
    -- a refund dated before its sale counts on the day of the sale
    case
        when reporting_refunded_amount <> 0
            then
                greatest(
                    coalesce({{ reporting_day('refunded_at') }}, order_date), order_date
                )
    end as refunded_on,

    -- words
    order_type,
    status,
    source_name,
    coalesce(sales_channel, 'unknown') as sales_channel,
    currency,

    -- amounts
    amount as original_amount,
    {{ as_amount('gross_amount') }} as gross_amount,
    {{ as_amount('reporting_discount_amount') }} as discount_amount,
    {{ as_amount('reporting_refunded_amount') }} as refunded_amount,
    {{ as_amount('returned_amount') }} as returned_amount,
    {{ as_amount(
        'gross_amount - reporting_discount_amount - reporting_refunded_amount'
    ) }} as net_revenue_amount,
    {{ as_amount('reporting_cost_amount') }} as cost_amount,
    sale_margin_amount,
    refund_margin_amount,
    {{ as_amount('sale_margin_amount + refund_margin_amount') }} as margin_amount,

    -- flags
    is_purchase,
    reporting_cost_amount is null as is_margin_estimated
from orders_with_margin
