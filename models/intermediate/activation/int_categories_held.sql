-- Grain: one row per customer and category held on as-of.
{{ config(materialized='table') }}

with

settings as (
    select
        as_of_date,
        {{ months_after('as_of_date', -12) }} as year_before,
        {{ days_after(months_after('as_of_date', -12), 1) }} as first_day,
        {{ days_after('as_of_date', 1) }} as next_day
    from {{ ref('int_run_settings') }}
),

-- plans have a category if they are among the products
plans as (
    select
        versions.customer_id,
        products.product_category,
        versions.margin_mrr_amount,
        greatest(versions.started_on, settings.first_day) as earning_from,
        least(coalesce(versions.stopped_on, settings.next_day), settings.next_day) as earning_to,
        versions.started_on <= settings.as_of_date
        and coalesce(versions.stopped_on > settings.as_of_date, true) as is_running
    from {{ ref('int_subscription_versions') }} as versions
    inner join {{ ref('int_products') }} as products
        on versions.plan_id = products.product_id
    cross join settings
    where versions.is_paying and products.product_category <> 'unknown'
),

signs_of_holding as (
    select
        bought.customer_id,
        bought.product_category,
        1 as held,
        {{ as_amount('0') }} as margin
    from {{ ref('int_categories_bought') }} as bought
    inner join settings
        on bought.last_bought_on > settings.year_before

    union all

    select
        customer_id,
        product_category,
        case when is_running then 1 else 0 end as held,
        case
            when earning_from < earning_to
                then
                    {{ in_cents(
                        'margin_mrr_amount * ' ~ months_of_revenue('earning_from', 'earning_to')
                    ) }}
            else {{ as_amount('0') }}
        end as margin
    from plans

    union all

    select
        customer_id,
        product_category,
        0 as held,
        margin_amount as margin
    from {{ ref('int_entries_categorised') }}
    where product_category <> 'unknown'
)

select
    -- keys
    customer_id,
    product_category,

    -- amounts
    {{ as_amount('sum(margin)') }} as margin_amount
from signs_of_holding
group by customer_id, product_category
having max(held) = 1
