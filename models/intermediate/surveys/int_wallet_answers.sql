-- Grain: one row per customer, quarter end and category of which the customer has told the spend.
{%- set answer_months = var('wallet_answer_months') %}

with

quarters as (
    select closes_on as quarter_end_date
    from {{ ref('int_periods') }}
    where period_grain = 'quarter' and is_complete_period
),

categories_sold as (
    select distinct lower(product_category) as product_category
    from {{ ref('int_products') }}
    where product_category <> 'unknown'
),

answers as (
    select
        response_id,
        customer_id,
        responded_at,
        event_date as answered_on,
        category is null as is_whole_wallet,
        coalesce(lower(category), 'all') as product_category,
        brand_rank,
        brands_used,
        {{ in_cents(
            'cast(category_spend_amount as double) * 12 / spend_period_months * exchange_rate'
        ) }} as wallet_amount
    from {{ ref('stg_survey_responses') }}
    where
        survey_type = 'wallet'
        and responded_at is not null
        and customer_id is not null
        and category_spend_amount is not null
),

answers_with_next as (
    select
        *,
        lead(answered_on) over (
            partition by customer_id, is_whole_wallet, product_category
            order by responded_at, response_id
        ) as next_answered_on
    from answers
),

-- an answer counts until the next one, or until it is too old
answers_in_force as (
    select
        answers_with_next.*,
        quarters.quarter_end_date,
        max(case when answers_with_next.is_whole_wallet then 1 else 0 end) over (
            partition by answers_with_next.customer_id, quarters.quarter_end_date
        ) = 1 as has_whole_wallet
    from answers_with_next
    inner join quarters
        on
            answers_with_next.answered_on
            between {{ months_after('quarters.quarter_end_date', -answer_months) }}
            and quarters.quarter_end_date
    where
        answers_with_next.next_answered_on is null
        or answers_with_next.next_answered_on > quarters.quarter_end_date
)

select
    -- keys
    answers_in_force.customer_id,
    answers_in_force.quarter_end_date,
    answers_in_force.product_category,

    -- dates
    answers_in_force.answered_on,

    -- amounts
    answers_in_force.wallet_amount,

    -- rates
    (1 - {{ rate('answers_in_force.brand_rank', '(answers_in_force.brands_used + 1)') }})
    * {{ rate('2', 'answers_in_force.brands_used') }} as wallet_allocation_share,

    -- flags
    answers_in_force.is_whole_wallet,
    categories_sold.product_category is not null and not answers_in_force.is_whole_wallet
        as is_category_sold
from answers_in_force
left join categories_sold
    on answers_in_force.product_category = categories_sold.product_category
-- a category is part of the whole wallet: where the whole is known, the category would count twice
where answers_in_force.is_whole_wallet = answers_in_force.has_whole_wallet
