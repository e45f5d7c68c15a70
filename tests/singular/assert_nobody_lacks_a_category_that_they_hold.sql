-- Nobody lacks a category that they hold, or one that is not in the profile of their segment.
select
    gaps.customer_id,
    gaps.product_category
from {{ ref('fct_product_gaps') }} as gaps
left join {{ ref('int_categories_held') }} as held
    on
        gaps.customer_id = held.customer_id
        and gaps.product_category = held.product_category
inner join {{ ref('int_customers_profiled') }} as customers
    on gaps.customer_id = customers.customer_id
left join {{ ref('rpt_ideal_profiles') }} as profiles
    on
        {{ same_values('customers', 'profiles', ['region', 'industry', 'tenure_band']) }}
        and gaps.product_category = profiles.product_category
        and profiles.is_in_profile
where held.customer_id is not null or profiles.product_category is null
