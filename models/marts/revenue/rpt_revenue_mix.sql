-- Grain: one row per period and combination of segments.

with

periods as (
    select * from {{ ref('dim_periods') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

-- the part of an order that is expansion, where its lines tell
expansion_shares as (
    select
        order_id,
        {{ rate(
            "sum(case when revenue_type = 'expansion' then original_amount else 0 end)",
            'sum(original_amount)'
        ) }} as expansion_share
    from {{ ref('fct_order_lines') }}
    group by order_id
),

-- what a return takes back is of the type it was: by its own lines, else in the parts of its sale;
-- where the sale is unknown, repeat
orders_typed as (
    select
        orders.order_id,
        case
            when orders.customer_id = 'anonymous' then 'unattributed'
            when orders.order_type = 'sale' and orders.is_first_order then 'first_purchase'
            when orders.order_type = 'return' and sales.is_first_order
                then 'first_purchase'
            else 'repeat'
        end as revenue_type,
        coalesce(own_shares.expansion_share, sale_shares.expansion_share, 0)
            as expansion_share
    from orders
    left join orders as sales
        on
            orders.original_order_id = sales.order_id
            and orders.order_type = 'return'
    left join expansion_shares as own_shares
        on orders.order_id = own_shares.order_id
    left join expansion_shares as sale_shares
        on sales.order_id = sale_shares.order_id
),

entries as (
    select
        entries.revenue_date,
        orders_typed.revenue_type,
        {{ segment_columns('customers') }},
        entries.revenue_amount,
        {{ as_amount('entries.revenue_amount * orders_typed.expansion_share') }}
            as expansion_amount
    from {{ ref('int_revenue_entries') }} as entries
    inner join orders_typed
        on entries.order_id = orders_typed.order_id
    inner join {{ ref('dim_customers') }} as customers
        on entries.customer_id = customers.customer_id
    where entries.revenue_amount <> 0
),

-- by day first: three grains are then added up from few rows
days as (
    select
        revenue_date,
        {{ segment_columns() }},
        sum(revenue_amount) as total,
        sum(case when revenue_type = 'first_purchase' then revenue_amount else 0 end)
            as first_purchase,
        sum(
            case when revenue_type = 'repeat' then revenue_amount - expansion_amount else 0 end
        ) as repeated,
        sum(case when revenue_type = 'repeat' then expansion_amount else 0 end) as expansion,
        sum(case when revenue_type = 'unattributed' then revenue_amount else 0 end)
            as unattributed
    from entries
    group by revenue_date, {{ segment_columns() }}
),

mix as (
    select
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        {{ segment_columns('days') }},
        sum(days.total) as total,
        sum(days.first_purchase) as first_purchase,
        sum(days.repeated) as repeated,
        sum(days.expansion) as expansion,
        sum(days.unattributed) as unattributed
    from days
    -- a period closes on as-of: a refund known but dated after it has not happened yet
    inner join periods
        on days.revenue_date between periods.period_start_date and periods.closes_on
    group by
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        {{ segment_columns('days') }}
)

select
    -- keys
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- amounts
    {{ as_amount('total') }} as total_revenue_amount,
    {{ as_amount('first_purchase') }} as first_purchase_revenue_amount,
    {{ as_amount('repeated') }} as repeat_revenue_amount,
    {{ as_amount('expansion') }} as expansion_revenue_amount,
    {{ as_amount('unattributed') }} as unattributed_revenue_amount,

    -- rates
    {{ rate('repeated + expansion', 'total - unattributed') }}
        as existing_customer_revenue_share,
    {{ rate('expansion', 'total - unattributed') }} as expansion_revenue_share,

    -- flags
    is_complete_period
from mix
