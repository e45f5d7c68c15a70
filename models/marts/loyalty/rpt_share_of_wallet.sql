-- Grain: one row per quarter end, source of the wallet and combination of segments.

with

quarters as (
    select closes_on as quarter_end_date
    from {{ ref('int_periods') }}
    where period_grain = 'quarter' and is_complete_period
),

customers as (
    select * from {{ ref('dim_customers') }}
    where not is_anonymous
),

segments as (
    {{ numbered_segments('customers') }}
),

customers_numbered as (
    select
        customers.customer_id,
        customers.known_since,
        segments.segment_number
    from customers
    inner join segments
        on {{ same_values('customers', 'segments', segments()) }}
),

wallets as (
    select
        wallets.quarter_end_date,
        wallets.wallet_source,
        customers_numbered.segment_number,
        count(*) as customers,
        count(case when wallets.own_spend_amount > 0 then 1 end) as buyers,
        count(case when wallets.is_wallet_understated then 1 end) as understated_customers,
        sum(wallets.own_spend_amount) as own_spend,
        sum(wallets.wallet_amount) as wallet,
        sum(wallets.wallet_headroom_amount) as wallet_headroom
    from {{ ref('fct_share_of_wallet') }} as wallets
    inner join customers_numbered
        on wallets.customer_id = customers_numbered.customer_id
    group by
        wallets.quarter_end_date,
        wallets.wallet_source,
        customers_numbered.segment_number
),

-- a benchmark is the wallet of every known customer of its segment, whether they buy or not...
customers_known as (
    select
        quarters.quarter_end_date,
        first_quarters.segment_number,
        sum(first_quarters.customers) as customers
    from (
        select
            segment_number,
            {{ period_start("'quarter'", 'known_since') }} as first_quarter_start_date,
            count(*) as customers
        from customers_numbered
        group by segment_number, {{ period_start("'quarter'", 'known_since') }}
    ) as first_quarters
    inner join quarters
        on first_quarters.first_quarter_start_date <= quarters.quarter_end_date
    group by quarters.quarter_end_date, first_quarters.segment_number
),

-- ...except those who told their own wallet
benchmark_customers as (
    select
        customers_known.quarter_end_date,
        customers_known.segment_number,
        customers_known.customers - coalesce(answered.customers, 0) as customers
    from customers_known
    inner join segments
        on customers_known.segment_number = segments.segment_number
    inner join {{ ref('wallet_benchmarks') }} as benchmarks
        on {{ is_word_of_seed('segments.customer_segment', 'benchmarks.customer_segment') }}
    left join wallets as answered
        on
            customers_known.quarter_end_date = answered.quarter_end_date
            and customers_known.segment_number = answered.segment_number
            and answered.wallet_source = 'survey'
),

shares as (
    select
        quarter_end_date,
        wallet_source,
        segment_number,
        customers,
        buyers,
        understated_customers,
        own_spend,
        wallet,
        wallet_headroom
    from wallets
    where wallet_source = 'survey'

    union all

    select
        benchmark_customers.quarter_end_date,
        'benchmark' as wallet_source,
        benchmark_customers.segment_number,
        benchmark_customers.customers,
        coalesce(wallets.buyers, 0) as buyers,
        coalesce(wallets.understated_customers, 0) as understated_customers,
        coalesce(wallets.own_spend, 0) as own_spend,
        coalesce(wallets.wallet, 0) as wallet,
        coalesce(wallets.wallet_headroom, 0) as wallet_headroom
    from benchmark_customers
    left join wallets
        on
            benchmark_customers.quarter_end_date = wallets.quarter_end_date
            and benchmark_customers.segment_number = wallets.segment_number
            and wallets.wallet_source = 'benchmark'
    where benchmark_customers.customers > 0
)

select
    -- keys
    shares.quarter_end_date,
    shares.wallet_source,
    {{ segment_columns('segments') }},

    -- counts
    cast(shares.customers as bigint) as customers,
    shares.buyers,
    shares.understated_customers,

    -- amounts
    {{ as_amount('shares.own_spend') }} as own_spend_amount,
    {{ as_amount('shares.wallet') }} as wallet_amount,
    {{ as_amount('shares.wallet_headroom') }} as wallet_headroom_amount,

    -- rates; for each customer, own spend plus headroom is the greater of wallet and own spend
    {{ rate('shares.own_spend', '(shares.own_spend + shares.wallet_headroom)') }}
        as share_of_wallet,
    {{ rate('shares.buyers', 'shares.customers') }} as penetration
from shares
inner join segments
    on shares.segment_number = segments.segment_number
