-- Grain: one row per active customer and category of their profile that they do not hold.

with

profiles as (
    select * from {{ ref('rpt_ideal_profiles') }}
    where is_in_profile
),

customers as (
    select * from {{ ref('int_customers_profiled') }}
),

gaps as (
    select
        customers.customer_id,
        profiles.product_category,
        profiles.profile_level,
        profiles.holders_share,
        profiles.category_margin_amount,
        profiles.median_margin_amount,
        customers.margin_amount as own_margin_amount,
        {{ as_amount('greatest(profiles.median_margin_amount - customers.margin_amount, 0)') }}
            as margin_gap_amount,
        greatest(profiles.category_margin_amount, 0) as weight
    from customers
    inner join profiles
        on {{ same_values('customers', 'profiles', ['region', 'industry', 'tenure_band']) }}
    left join {{ ref('int_categories_held') }} as held
        on
            customers.customer_id = held.customer_id
            and profiles.product_category = held.product_category
    where held.customer_id is null
),

-- if no missing category brings anything, each has the same part
gaps_weighted as (
    select
        *,
        case
            when sum(weight) over (partition by customer_id) > 0 then weight
            else 1
        end as counted_weight
    from gaps
),

-- the weight of the categories so far, so that the rounded parts add up to the gap
gaps_with_reach as (
    select
        *,
        sum(counted_weight) over (partition by customer_id) as weights,
        sum(counted_weight) over (
            partition by customer_id
            order by product_category
            rows unbounded preceding
        ) as weight_to_here
    from gaps_weighted
),

gaps_with_shares as (
    select
        *,
        {{ rate('weight_to_here', 'weights') }} as share_to_here,
        {{ rate('weight_to_here - counted_weight', 'weights') }} as share_before
    from gaps_with_reach
),

gaps_shared as (
    select
        *,
        {{ as_amount(
            in_cents('margin_gap_amount * share_to_here')
            ~ ' - ' ~ in_cents('margin_gap_amount * share_before')
        ) }} as potential_margin_amount
    from gaps_with_shares
),

last_quarters as (
    select max(closes_on) as quarter_end_date
    from {{ ref('int_periods') }}
    where period_grain = 'quarter' and is_complete_period
),

wallets as (
    select
        categories.customer_id,
        categories.product_category,
        categories.wallet_headroom_amount
    from {{ ref('fct_share_of_wallet_categories') }} as categories
    inner join last_quarters
        on categories.quarter_end_date = last_quarters.quarter_end_date
)

select
    -- keys
    gaps_shared.customer_id,
    gaps_shared.product_category,

    -- dates
    settings.as_of_date,

    -- words
    gaps_shared.profile_level,

    -- order
    row_number() over (
        partition by gaps_shared.customer_id
        order by
            gaps_shared.potential_margin_amount desc,
            gaps_shared.category_margin_amount desc,
            gaps_shared.product_category asc
    ) as gap_rank,

    -- amounts
    gaps_shared.median_margin_amount,
    gaps_shared.own_margin_amount,
    gaps_shared.margin_gap_amount,
    gaps_shared.category_margin_amount,
    gaps_shared.potential_margin_amount,
    wallets.wallet_headroom_amount,

    -- rates
    gaps_shared.holders_share
from gaps_shared
cross join {{ ref('int_run_settings') }} as settings
left join wallets
    on
        gaps_shared.customer_id = wallets.customer_id
        and lower(gaps_shared.product_category) = wallets.product_category
