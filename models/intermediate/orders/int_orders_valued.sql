-- Grain: one row per accepted order.
{%- set margin_rate = default_margin_rate() %}

with

orders as (
    select * from {{ ref('stg_orders') }}
),

orders_classified as (
    select
        *,
        -- pending and cancelled orders carry no revenue; the invoice of a subscription is counted
        -- through the subscription
        status in ('completed', 'refunded') and subscription_id is null as carries_revenue,
        order_type = 'return' as is_return,
        -- exports write deductions with either sign; an adjustment keeps its own sign
        case when amount < 0 then discount_amount else abs(discount_amount) end
            as signed_discount_amount,
        case when amount < 0 then refunded_amount else abs(refunded_amount) end
            as signed_refunded_amount
    from orders
),

orders_completed as (
    select
        *,
        coalesce(signed_discount_amount, 0) as own_discount_amount,
        coalesce(
            signed_refunded_amount,
            case
                when status = 'refunded' then amount - coalesce(signed_discount_amount, 0)
                else 0
            end
        ) as own_refunded_amount
    from orders_classified
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
            when is_return then -abs(cost_amount)
            else cost_amount
        end as own_cost_amount,
        carries_revenue
        and not is_return
        and amount >= 0
        and not (
            own_refunded_amount > 0
            and own_refunded_amount >= amount - own_discount_amount
        ) as is_purchase
    from orders_completed
),

orders_converted as (
    select
        *,
        {{ in_reporting_currency('own_gross_amount') }} as gross_amount,
        {{ in_reporting_currency('counted_discount_amount') }} as reporting_discount_amount,
        {{ in_reporting_currency('counted_refunded_amount') }} as reporting_refunded_amount,
        {{ in_reporting_currency('own_cost_amount') }} as reporting_cost_amount
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
    coalesce(customer_id, 'anonymous') as customer_id,
    original_order_id,
    subscription_id,

    -- dates
    ordered_at,
    event_date as order_date,
    -- a refund dated before its sale counts on the day of the sale
    case
        when reporting_refunded_amount <> 0
            then
                greatest(
                    coalesce({{ reporting_day('refunded_at') }}, event_date), event_date
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
