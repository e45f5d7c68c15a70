-- Grain: one row per customer, quarter end and category with a known wallet, and `unknown`.
{{ config(materialized='table') }}

with

-- order lines tell the spend of a category only if a product is of it
answers as (
    select * from {{ ref('int_wallet_answers') }}
    where is_category_sold
),

quarters_of_years as (
    {{ quarters_of_years() }}
),

entries as (
    select
        order_id,
        customer_id,
        {{ period_start("'quarter'", 'revenue_date') }} as quarter_start_date,
        revenue_amount
    from {{ ref('int_revenue_entries') }}
    where customer_id in (select answers.customer_id from answers)
),

category_entries as (
    {{ entries_by_category('entries', 'lower(products.product_category)') }}
),

category_quarters as (
    select
        customer_id,
        quarter_start_date,
        product_category,
        sum({{ in_cents('revenue_amount * category_share') }}) as revenue
    from category_entries
    group by customer_id, quarter_start_date, product_category
),

category_years as (
    select
        category_quarters.customer_id,
        quarters_of_years.quarter_end_date,
        category_quarters.product_category,
        sum(category_quarters.revenue) as spend
    from category_quarters
    inner join quarters_of_years
        on category_quarters.quarter_start_date = quarters_of_years.quarter_start_date
    group by
        category_quarters.customer_id,
        quarters_of_years.quarter_end_date,
        category_quarters.product_category
),

customers_asked as (
    select distinct
        customer_id,
        quarter_end_date
    from answers
)

select
    -- keys
    answers.customer_id,
    answers.quarter_end_date,
    answers.product_category,

    -- dates
    answers.answered_on,

    -- amounts
    {{ as_amount('coalesce(category_years.spend, 0)') }} as net_spend_amount,
    answers.wallet_amount,

    -- rates
    answers.wallet_allocation_share
from answers
left join category_years
    on
        answers.customer_id = category_years.customer_id
        and answers.quarter_end_date = category_years.quarter_end_date
        and answers.product_category = category_years.product_category

union all

-- nobody is asked about spend of an unknown category, and it may be on any of those asked about
select
    category_years.customer_id,
    category_years.quarter_end_date,
    category_years.product_category,
    cast(null as date) as answered_on,
    {{ as_amount('category_years.spend') }} as net_spend_amount,
    {{ as_amount('null') }} as wallet_amount,
    cast(null as double) as wallet_allocation_share
from category_years
inner join customers_asked
    on
        category_years.customer_id = customers_asked.customer_id
        and category_years.quarter_end_date = customers_asked.quarter_end_date
where category_years.product_category = 'unknown'
