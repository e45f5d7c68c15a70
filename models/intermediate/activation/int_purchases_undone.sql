-- Grain: one row per sale that counted as a purchase until a later day.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

orders as {{ not_materialized() }} (
    select * from {{ ref('int_orders_classified') }}
),

sales as {{ not_materialized() }} (
    select
        order_id,
        customer_id,
        order_date,
        amount - own_discount_amount as own_price_amount,
        own_refunded_amount,
        refunded_at
    from orders
    where carries_revenue and is_sale and customer_id <> 'anonymous'
),

-- a refund without a day, or with one before the sale, counts on the day of the sale
taken_back as (
    select
        order_id,
        customer_id,
        order_date,
        own_price_amount,
        greatest(coalesce({{ reporting_day('refunded_at') }}, order_date), order_date)
            as taken_back_on,
        own_refunded_amount as taken_back_amount
    from sales
    where own_refunded_amount > 0

    union all

    select
        sales.order_id,
        sales.customer_id,
        sales.order_date,
        sales.own_price_amount,
        greatest(returns.order_date, sales.order_date) as taken_back_on,
        matches.own_returned_amount as taken_back_amount
    from {{ ref('int_returns_matched') }} as matches
    inner join orders as returns
        on matches.order_id = returns.order_id
    inner join sales
        on matches.sale_order_id = sales.order_id
),

taken_back_so_far as (
    select
        *,
        sum(taken_back_amount) over (
            partition by order_id
            order by taken_back_on
            range between unbounded preceding and current row
        ) as amount_so_far
    from taken_back
),

undone as (
    select
        order_id,
        customer_id,
        order_date,
        min(taken_back_on) as undone_on
    from taken_back_so_far
    where amount_so_far > 0 and amount_so_far >= own_price_amount
    group by order_id, customer_id, order_date
)

select
    -- keys
    undone.order_id,
    undone.customer_id,

    -- dates
    undone.order_date,
    -- what the data says of days after as-of is known today
    least(undone.undone_on, settings.as_of_date) as undone_on
from undone
cross join settings
where undone.order_date < least(undone.undone_on, settings.as_of_date)
