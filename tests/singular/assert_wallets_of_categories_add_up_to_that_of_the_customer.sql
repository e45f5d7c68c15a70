-- The categories of a customer, with `unknown`, add up to the own spend and the wallet of the
-- customer, if order lines tell the spend of all categories asked about.
with

categories_added_up as (
    select
        customer_id,
        quarter_end_date,
        greatest(sum(net_spend_amount), 0) as own_spend_amount,
        sum(wallet_amount) as wallet_amount,
        count(wallet_amount) as categories_count
    from {{ ref('fct_share_of_wallet_categories') }}
    group by customer_id, quarter_end_date
)

select
    wallets.customer_id,
    wallets.quarter_end_date,
    wallets.own_spend_amount,
    categories.own_spend_amount as own_spend_of_categories
from {{ ref('fct_share_of_wallet') }} as wallets
left join categories_added_up as categories
    on
        wallets.customer_id = categories.customer_id
        and wallets.quarter_end_date = categories.quarter_end_date
where
    wallets.spend_scope = 'categories'
    and (
        categories.own_spend_amount is distinct from wallets.own_spend_amount
        or categories.wallet_amount is distinct from wallets.wallet_amount
        or categories.categories_count is distinct from wallets.categories_count
    )
