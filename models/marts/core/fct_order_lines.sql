-- Grain: one row per accepted order line.

with

-- the share of the lines so far in the order, so that the rounded parts add up to the order
lines_with_reach as (
    select
        order_id,
        line_number,
        product_id,
        quantity,
        amount,
        sum(amount) over (partition by order_id) as lines_amount,
        sum(amount) over (
            partition by order_id
            order by line_number
            rows unbounded preceding
        ) as amount_to_here
    from {{ ref('stg_order_lines') }}
),

orders as {{ not_materialized() }} (
    select
        order_id,
        customer_id,
        order_date,
        net_revenue_amount,
        order_type = 'return' as is_return,
        sale_order_id as returned_order_id,
        -- a returned line has the type it was sold as
        case when order_type = 'return' then sale_order_id else order_id end as sale_order_id
    from {{ ref('int_orders_valued') }}
),

sales as {{ not_materialized() }} (
    select * from {{ ref('int_orders_sequenced') }}
),

products as (
    select * from {{ ref('int_products') }}
),

-- a category is new in the first purchase that has a line of it
first_purchases_of_category as (
    select
        customer_id,
        product_category,
        first_order_number
    from {{ ref('int_categories_bought') }}
),

-- the products of orders that had a return
products_of_returned_orders as (
    select distinct
        order_id,
        product_id
    from {{ ref('stg_order_lines') }}
    where order_id in (select orders.returned_order_id from orders)
),

lines_typed as (
    select
        lines.*,
        products.product_category,
        orders.customer_id,
        orders.order_date,
        orders.net_revenue_amount as order_net_revenue_amount,
        case
            when orders.customer_id = 'anonymous' then 'unattributed'
            -- a return of an unknown sale
            when sales.order_id is null then 'repeat'
            when sales.is_first_order then 'first_purchase'
            -- or of a product that the sale did not contain
            when orders.is_return and products_of_returned_orders.product_id is null
                then 'repeat'
            when sales.order_number = first_purchases_of_category.first_order_number
                then 'expansion'
            else 'repeat'
        end as revenue_type
    from lines_with_reach as lines
    inner join orders
        on lines.order_id = orders.order_id
    inner join products
        on lines.product_id = products.product_id
    left join sales
        on orders.sale_order_id = sales.order_id
    left join first_purchases_of_category
        on
            sales.customer_id = first_purchases_of_category.customer_id
            and products.product_category = first_purchases_of_category.product_category
    left join products_of_returned_orders
        on
            orders.returned_order_id = products_of_returned_orders.order_id
            and lines.product_id = products_of_returned_orders.product_id
),

lines_with_shares as (
    select
        *,
        {{ rate('amount_to_here', 'lines_amount') }} as share_to_here,
        {{ rate('amount_to_here - amount', 'lines_amount') }} as share_before
    from lines_typed
)

select
    -- keys
    order_id,
    line_number,
    customer_id,
    product_id,

    -- dates
    order_date,

    -- words
    product_category,
    revenue_type,

    -- amounts
    quantity,
    amount as original_amount,
    case
        when order_net_revenue_amount = 0 then {{ as_amount('0') }}
        else {{ as_amount(
            in_cents('order_net_revenue_amount * share_to_here')
            ~ ' - ' ~ in_cents('order_net_revenue_amount * share_before')
        ) }}
    end as net_revenue_amount
from lines_with_shares
