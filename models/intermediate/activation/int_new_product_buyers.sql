-- Grain: one row per customer who bought a category when it was new.
{%- set new_days = var('new_product_days') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

categories_bought as {{ not_materialized() }} (
    select * from {{ ref('int_categories_bought') }}
),

first_sales as (
    select
        product_category,
        min(first_bought_on) as first_sold_on
    from categories_bought
    group by product_category
),

beginning as (
    select
        greatest(
            min(first_sales.first_sold_on),
            coalesce(max(settings.history_starts_on), min(first_sales.first_sold_on))
        ) as begins_on
    from first_sales
    cross join settings
),

-- what sold from the beginning may be older than the data
launches as (
    select
        first_sales.product_category,
        first_sales.first_sold_on,
        {{ days_after('first_sales.first_sold_on', new_days) }} > settings.as_of_date as is_new
    from first_sales
    cross join beginning
    cross join settings
    where first_sales.first_sold_on > {{ days_after('beginning.begins_on', new_days) }}
),

early_purchases as (
    select
        categories_bought.customer_id,
        categories_bought.product_category,
        categories_bought.first_bought_on,
        count(*) over (partition by categories_bought.customer_id) as categories_count
    from categories_bought
    inner join launches
        on
            categories_bought.product_category = launches.product_category
            and categories_bought.first_bought_on
            <= {{ days_after('launches.first_sold_on', new_days) }}
    qualify row_number() over (
        partition by categories_bought.customer_id
        order by launches.first_sold_on desc, categories_bought.product_category asc
    ) = 1
),

-- the newest category of today that the customer has not bought
categories_to_offer as (
    select
        early_purchases.customer_id,
        launches.product_category
    from early_purchases
    inner join launches
        on launches.is_new
    left join categories_bought
        on
            early_purchases.customer_id = categories_bought.customer_id
            and launches.product_category = categories_bought.product_category
    where categories_bought.customer_id is null
    qualify row_number() over (
        partition by early_purchases.customer_id
        order by launches.first_sold_on desc, launches.product_category asc
    ) = 1
)

select
    -- keys
    early_purchases.customer_id,

    -- dates
    early_purchases.first_bought_on as bought_on,

    -- words
    early_purchases.product_category as newest_category,
    categories_to_offer.product_category as new_category,

    -- counts
    early_purchases.categories_count
from early_purchases
left join categories_to_offer
    on early_purchases.customer_id = categories_to_offer.customer_id
