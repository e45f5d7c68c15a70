-- Grain: one row per customer and quarter end with a known wallet, and with spend or an answer.
{{ config(post_hook=[
    '{{ warn_of_unsold_categories() }}', '{{ warn_of_segments_without_wallet() }}',
]) }}

with

quarters_of_years as (
    {{ quarters_of_years() }}
),

answers as (
    select * from {{ ref('int_wallet_answers') }}
),

wallets_answered as (
    select
        customer_id,
        quarter_end_date,
        max(answered_on) as answered_on,
        count(case when not is_whole_wallet then 1 end) as categories_count,
        -- with a category that no product has, order lines cannot tell the spend to compare the sum
        -- with
        min(case when is_category_sold then 1 else 0 end) = 1 as is_by_category,
        sum(wallet_amount) as wallet,
        {{ rate(
            'sum(cast(wallet_amount as double) * wallet_allocation_share)',
            'sum(case when wallet_allocation_share is not null then wallet_amount end)'
        ) }} as wallet_allocation_share
    from answers
    group by customer_id, quarter_end_date
),

-- everything a customer spent here, on orders and subscriptions
years_spent as (
    select
        revenue_quarters.customer_id,
        quarters_of_years.quarter_end_date,
        sum(revenue_quarters.revenue_amount) as spend
    from {{ ref('int_revenue_quarters') }} as revenue_quarters
    inner join quarters_of_years
        on revenue_quarters.quarter_start_date = quarters_of_years.quarter_start_date
    group by revenue_quarters.customer_id, quarters_of_years.quarter_end_date
),

-- spend of an unknown category counts as spend on the categories asked about
category_years_spent as (
    select
        customer_id,
        quarter_end_date,
        sum(net_spend_amount) as spend
    from {{ ref('int_wallet_categories_spent') }}
    group by customer_id, quarter_end_date
),

wallets as (
    select
        wallets_answered.customer_id,
        wallets_answered.quarter_end_date,
        wallets_answered.answered_on,
        'survey' as wallet_source,
        case when wallets_answered.is_by_category then 'categories' else 'all' end
            as spend_scope,
        wallets_answered.categories_count,
        coalesce(
            case
                when wallets_answered.is_by_category then category_years_spent.spend
                else years_spent.spend
            end, 0
        ) as own_spend,
        wallets_answered.wallet,
        wallets_answered.wallet_allocation_share
    from wallets_answered
    left join category_years_spent
        on
            wallets_answered.customer_id = category_years_spent.customer_id
            and wallets_answered.quarter_end_date = category_years_spent.quarter_end_date
    left join years_spent
        on
            wallets_answered.customer_id = years_spent.customer_id
            and wallets_answered.quarter_end_date = years_spent.quarter_end_date

    union all

    -- customers without an answer have the wallet of their segment once they have spent something
    select
        years_spent.customer_id,
        years_spent.quarter_end_date,
        cast(null as date) as answered_on,
        'benchmark' as wallet_source,
        'all' as spend_scope,
        0 as categories_count,
        years_spent.spend as own_spend,
        benchmarks.yearly_wallet_amount as wallet,
        cast(null as double) as wallet_allocation_share
    from years_spent
    inner join {{ ref('dim_customers') }} as customers
        on years_spent.customer_id = customers.customer_id
    inner join {{ ref('wallet_benchmarks') }} as benchmarks
        on {{ is_word_of_seed('customers.customer_segment', 'benchmarks.customer_segment') }}
    left join wallets_answered
        on
            years_spent.customer_id = wallets_answered.customer_id
            and years_spent.quarter_end_date = wallets_answered.quarter_end_date
    where years_spent.spend > 0 and wallets_answered.customer_id is null
),

-- customers who returned more than they bought in the year have spent nothing
wallets_with_spend as (
    select
        *,
        greatest(own_spend, 0) as counted_spend
    from wallets
)

select
    -- keys
    customer_id,
    quarter_end_date,

    -- words
    wallet_source,
    spend_scope,

    -- dates
    answered_on,

    -- counts
    categories_count,

    -- amounts
    {{ as_amount('counted_spend') }} as own_spend_amount,
    {{ as_amount('wallet') }} as wallet_amount,
    {{ as_amount('greatest(wallet - counted_spend, 0)') }} as wallet_headroom_amount,

    -- rates
    {{ rate('counted_spend', 'greatest(wallet, counted_spend)') }} as share_of_wallet,
    {{ rate('counted_spend', 'wallet') }} as raw_share_of_wallet,
    wallet_allocation_share,

    -- flags
    counted_spend > wallet as is_wallet_understated
from wallets_with_spend
