-- Grain: one row per region, industry, tenure band and category that its best customers hold.
{%- set segment = ['region', 'industry', 'tenure_band'] %}
{%- set profile = ['profile_level', 'profile_region', 'profile_industry', 'profile_tenure_band'] %}
{%- set min_customers = var('profile_min_customers') %}

with

customers as (
    select * from {{ ref('int_customers_profiled') }}
),

segments as (
    select
        region,
        industry,
        tenure_band,
        count(*) as segment_customers
    from customers
    group by region, industry, tenure_band
),

-- from the segment itself to everybody
levels as (
    select
        1 as level_number,
        'region, industry and tenure' as profile_level
    union all
    select
        2 as level_number,
        'region and industry' as profile_level
    union all
    select
        3 as level_number,
        'region' as profile_level
    union all
    select
        4 as level_number,
        'all' as profile_level
),

segments_at_levels as (
    select
        segments.*,
        levels.level_number,
        levels.profile_level,
        case when levels.level_number <= 3 then segments.region else 'all' end
            as profile_region,
        case when levels.level_number <= 2 then segments.industry else 'all' end
            as profile_industry,
        case when levels.level_number = 1 then segments.tenure_band else 'all' end
            as profile_tenure_band
    from segments
    cross join levels
),

profiles_sized as (
    select
        *,
        cast(sum(segment_customers) over (partition by {{ profile | join(', ') }}) as bigint)
            as profile_customers
    from segments_at_levels
),

profiles_with_top as (
    select
        *,
        cast(
            ceil(cast({{ var('profile_top_share') }} as decimal(9, 4)) * profile_customers)
            as bigint
        ) as top_customers
    from profiles_sized
),

-- the narrowest level whose best customers are enough; if none has enough, everybody
profiles_chosen as (
    select *
    from profiles_with_top
    where top_customers >= {{ min_customers }} or profile_level = 'all'
    qualify row_number() over (
        partition by {{ segment | join(', ') }}
        order by level_number
    ) = 1
),

-- everyone in a profile that a segment takes, also from segments with a profile of their own
profile_members as (
    select
        {{ profile | join(', ') }},
        profiles_with_top.top_customers,
        customers.customer_id,
        customers.margin_amount
    from profiles_with_top
    inner join customers
        on {{ same_values('profiles_with_top', 'customers', segment) }}
    where
        exists (
            select 1 as is_taken
            from profiles_chosen
            where {{ same_values('profiles_chosen', 'profiles_with_top', profile) }}
        )
),

top_members as (
    select *
    from profile_members
    qualify row_number() over (
        partition by {{ profile | join(', ') }}
        order by margin_amount desc, customer_id asc
    ) <= top_customers
),

profile_medians as (
    select
        {{ profile | join(', ') }},
        -- the middle of two amounts may be half a cent
        {{ in_cents('median(cast(margin_amount as double))') }} as median_margin_amount
    from top_members
    group by {{ profile | join(', ') }}
),

profile_categories as (
    select
        {{ profile | join(', ') }},
        held.product_category,
        count(*) as holders,
        sum(held.margin_amount) as category_margin
    from top_members
    inner join {{ ref('int_categories_held') }} as held
        on top_members.customer_id = held.customer_id
    group by {{ profile | join(', ') }}, held.product_category
),

segment_categories as (
    select
        profiles_chosen.*,
        profile_medians.median_margin_amount,
        profile_categories.product_category,
        profile_categories.holders,
        {{ amount_per('profile_categories.category_margin', 'profiles_chosen.top_customers') }}
            as category_margin_amount,
        {{ rate('profile_categories.holders', 'profiles_chosen.top_customers') }} as holders_share
    from profiles_chosen
    inner join profile_medians
        on {{ same_values('profiles_chosen', 'profile_medians', profile) }}
    inner join profile_categories
        on {{ same_values('profiles_chosen', 'profile_categories', profile) }}
)

select
    -- keys
    region,
    industry,
    tenure_band,
    product_category,

    -- words
    profile_level,

    -- counts
    segment_customers,
    profile_customers,
    top_customers,
    holders,

    -- amounts
    median_margin_amount,
    category_margin_amount,

    -- rates
    holders_share,
    {{ wilson_bound('holders', 'top_customers', '-') }} as ci_low,
    {{ wilson_bound('holders', 'top_customers', '+') }} as ci_high,

    -- flags
    top_customers >= {{ min_customers }}
    and holders_share >= {{ var('profile_min_holders_share') }} as is_in_profile
from segment_categories
