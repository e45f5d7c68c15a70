-- Grain: one row per customer, quarter end and category with a known wallet, and `unknown`.

with

-- customers who returned more of a category than they bought have spent nothing on it
categories as (
    select
        *,
        {{ as_amount('greatest(net_spend_amount, 0)') }} as own_spend_amount
    from {{ ref('int_wallet_categories_spent') }}
),

categories_with_headroom as (
    select
        *,
        case
            when wallet_amount is not null
                then {{ as_amount('greatest(wallet_amount - own_spend_amount, 0)') }}
        end as wallet_headroom_amount
    from categories
)

select
    -- keys
    categories.customer_id,
    categories.quarter_end_date,
    categories.product_category,

    -- words
    wallets.spend_scope,

    -- dates
    categories.answered_on,

    -- amounts
    categories.net_spend_amount,
    categories.own_spend_amount,
    categories.wallet_amount,
    categories.wallet_headroom_amount,

    -- rates
    {{ rate(
        'categories.own_spend_amount',
        '(categories.own_spend_amount + categories.wallet_headroom_amount)',
    ) }} as share_of_wallet,
    categories.wallet_allocation_share,

    -- flags
    coalesce(categories.own_spend_amount > categories.wallet_amount, false)
        as is_wallet_understated
from categories_with_headroom as categories
inner join {{ ref('fct_share_of_wallet') }} as wallets
    on
        categories.customer_id = wallets.customer_id
        and categories.quarter_end_date = wallets.quarter_end_date
