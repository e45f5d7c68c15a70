-- Grain: one row per accepted order line.

with

lines as (
    select
        lines.order_id,
        lines.line_number,
        lines.product_id,
        lines.quantity,
        lines.amount,
        products.product_category,
        orders.customer_id,
        orders.order_date,
        orders.net_revenue_amount as order_net_revenue_amount,
        orders.order_type,
        orders.original_order_id,
        orders.order_number,
        orders.is_first_order
    from {{ ref('stg_order_lines') }} as lines
    inner join {{ ref('fct_orders') }} as orders
        on lines.order_id = orders.order_id
    inner join {{ ref('dim_products') }} as products
        on lines.product_id = products.product_id
),

-- a category counts as bought with the first purchase that has a line of it
first_purchases_of_category as (
    select
        customer_id,
        product_category,
        min(order_number) as first_order_number
    from lines
    where order_number is not null and product_category <> 'unknown'
    group by customer_id, product_category
),

lines_with_reach as (
    select
        lines.*,
        first_purchases_of_category.first_order_number,
        -- the lines' share of the order, cumulated so that the rounded parts add up to it
        sum(lines.amount) over (partition by lines.order_id) as lines_amount,
        sum(lines.amount) over (
            partition by lines.order_id
            order by lines.line_number
            rows unbounded preceding
        ) as amount_to_here
    from lines
    left join first_purchases_of_category
        on
            lines.customer_id = first_purchases_of_category.customer_id
            and lines.product_category = first_purchases_of_category.product_category
),

lines_typed as (
    select
        *,
        case
            when customer_id = 'anonymous' then 'unattributed'
            when is_first_order then 'first_purchase'
            when order_number = first_order_number then 'expansion'
            else 'repeat'
        end as revenue_type
    from lines_with_reach
),

-- what was sold of a product in an order, for what comes back of it
products_sold as (
    select
        order_id,
        product_id,
        min(revenue_type) as revenue_type
    from lines_typed
    where order_type = 'sale'
    group by order_id, product_id
),

-- a return is of its sale's type, a first purchase as a whole, else product by product
lines_retyped as (
    select
        lines_typed.*,
        case
            when lines_typed.order_type = 'sale' or lines_typed.customer_id = 'anonymous'
                then lines_typed.revenue_type
            when sales.is_first_order then 'first_purchase'
            else coalesce(products_sold.revenue_type, 'repeat')
        end as final_revenue_type
    from lines_typed
    left join {{ ref('fct_orders') }} as sales
        on lines_typed.original_order_id = sales.order_id
    left join products_sold
        on
            lines_typed.original_order_id = products_sold.order_id
            and lines_typed.product_id = products_sold.product_id
),

lines_with_shares as (
    select
        *,
        {{ rate('amount_to_here', 'lines_amount') }} as share_to_here,
        {{ rate('amount_to_here - amount', 'lines_amount') }} as share_before
    from lines_retyped
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
    final_revenue_type as revenue_type,

    -- amounts
    quantity,
    amount as original_amount,
    case
        when order_net_revenue_amount = 0 then {{ as_amount('0') }}
        else {{ as_amount(
            as_amount('order_net_revenue_amount * share_to_here')
            ~ ' - ' ~ as_amount('order_net_revenue_amount * share_before')
        ) }}
    end as net_revenue_amount
from lines_with_shares
