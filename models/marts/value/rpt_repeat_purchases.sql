-- Grain: one row per slice with a buyer.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- customers who first bought less than 12 months ago may still return in time
buyers as (
    select
        {{ slice_columns('customers') }},
        histories.second_purchase_on is not null as is_repeat_buyer,
        {{ months_after('histories.first_purchase_on', 12) }} <= settings.as_of_date
            as is_observed_12m,
        coalesce(
            histories.second_purchase_on <= {{ months_after('histories.first_purchase_on', 12) }},
            false
        ) as has_repeated_in_12m
    from {{ ref('int_purchase_histories') }} as histories
    inner join {{ ref('int_customers') }} as customers
        on histories.customer_id = customers.customer_id
    cross join settings
),

tallies as (
    select
        {{ slice_columns() }},
        count(*) as buyers,
        count(case when is_repeat_buyer then 1 end) as repeat_buyers,
        count(case when is_observed_12m then 1 end) as observed_12m_buyers,
        count(case when is_observed_12m and has_repeated_in_12m then 1 end)
            as repeat_12m_buyers
    from buyers
    group by {{ slice_columns() }}
),

tallies_by_slice as (
    {{ rows_by_slice('tallies') }}
),

counts as (
    select
        segment_name,
        segment_value,
        cast(sum(buyers) as bigint) as buyers,
        cast(sum(repeat_buyers) as bigint) as repeat_buyers,
        cast(sum(observed_12m_buyers) as bigint) as observed_12m_buyers,
        cast(sum(repeat_12m_buyers) as bigint) as repeat_12m_buyers
    from tallies_by_slice
    group by segment_name, segment_value
)

select
    -- keys
    segment_name,
    segment_value,

    -- counts
    buyers,
    repeat_buyers,
    observed_12m_buyers,
    repeat_12m_buyers,

    -- rates
    {{ rate('repeat_buyers', 'buyers') }} as repeat_rate,
    {{ rate('repeat_12m_buyers', 'observed_12m_buyers') }} as repeat_12m_rate
from counts
