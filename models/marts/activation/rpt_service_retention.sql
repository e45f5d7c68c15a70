-- Grain: one row per quarter in which owners began, slice and year of ownership.
{%- set keys = ['cohort_quarter', 'segment_name', 'segment_value', 'year_of_ownership'] %}
{%- set begins_on = months_after('owners.owned_since', '12 * (years.year_of_ownership - 1)') %}
{%- set ends_before = months_after('owners.owned_since', '12 * years.year_of_ownership') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

reading_days as (
    select
        customer_id,
        asset_id,
        event_date as read_on,
        max(case when is_service_visit then 1 else 0 end) = 1 as is_visit
    from {{ ref('stg_usage_readings') }}
    group by customer_id, asset_id, event_date
),

assets as (
    select
        customer_id,
        asset_id,
        min(read_on) as owned_since,
        min(min(read_on)) over (partition by customer_id) as first_owned_since
    from reading_days
    group by customer_id, asset_id
),

-- assets of the same day are one purchase
owners as (
    select
        assets.customer_id,
        assets.first_owned_since as owned_since,
        cast(date_trunc('quarter', assets.first_owned_since) as date) as cohort_quarter,
        min(case when assets.owned_since > assets.first_owned_since then assets.owned_since end)
            as second_asset_on,
        {{ slice_columns('customers') }}
    from assets
    inner join {{ ref('int_customers') }} as customers
        on assets.customer_id = customers.customer_id
    group by assets.customer_id, assets.first_owned_since, {{ slice_columns('customers') }}
),

-- as many as the calendar has: nobody has owned anything for longer
years as (
    select cast(row_number() over (order by period_start_date) as integer) as year_of_ownership
    from {{ ref('int_periods') }}
    where period_grain = 'year'
),

owner_years as (
    select
        owners.*,
        years.year_of_ownership,
        {{ ends_before }} <= {{ days_after('settings.as_of_date', 1) }} as is_over,
        coalesce(owners.second_asset_on < {{ ends_before }}, false) as has_second_asset
    from owners
    cross join settings
    inner join years
        on {{ begins_on }} <= settings.as_of_date
),

-- the first reading may itself be a visit, which nobody has come back for
years_with_a_visit as (
    select distinct
        reading_days.customer_id,
        cast(floor(
            {{ whole_months_between('owners.owned_since', 'reading_days.read_on') }} / 12
        ) + 1 as integer) as year_of_ownership
    from reading_days
    inner join owners
        on reading_days.customer_id = owners.customer_id
    where reading_days.is_visit and reading_days.read_on > owners.owned_since
),

owner_years_with_visits as (
    select
        owner_years.*,
        visits.customer_id is not null as is_serviced,
        count(visits.customer_id) over (
            partition by owner_years.customer_id
            order by owner_years.year_of_ownership
            rows unbounded preceding
        ) = owner_years.year_of_ownership as is_always_serviced
    from owner_years
    left join years_with_a_visit as visits
        on {{ same_values('owner_years', 'visits', ['customer_id', 'year_of_ownership']) }}
),

tallies as (
    select
        cohort_quarter,
        year_of_ownership,
        {{ slice_columns() }},
        count(case when is_over then 1 end) as owners,
        count(case when is_over and is_serviced then 1 end) as serviced_owners,
        count(case when is_over and is_always_serviced then 1 end) as always_serviced_owners,
        count(case when is_over and has_second_asset then 1 end) as second_asset_owners,
        count(case when not is_over then 1 end) as pending_owners
    from owner_years_with_visits
    group by cohort_quarter, year_of_ownership, {{ slice_columns() }}
),

tallies_by_slice as (
    {{ rows_by_slice('tallies') }}
),

counts as (
    select
        {{ keys | join(',\n        ') }},
        {{ of_each(
            [
                'owners', 'serviced_owners', 'always_serviced_owners', 'second_asset_owners',
                'pending_owners',
            ],
            'cast(sum({}) as bigint)',
        ) }}
    from tallies_by_slice
    group by {{ keys | join(', ') }}
)

select
    -- keys
    cohort_quarter,
    segment_name,
    segment_value,
    year_of_ownership,

    -- counts
    owners,
    serviced_owners,
    always_serviced_owners,
    second_asset_owners,
    pending_owners,

    -- rates
    {{ rate('serviced_owners', 'owners') }} as service_rate,
    {{ wilson_bound('serviced_owners', 'owners', '-') }} as service_rate_low,
    {{ wilson_bound('serviced_owners', 'owners', '+') }} as service_rate_high,
    {{ rate('always_serviced_owners', 'owners') }} as always_service_rate,
    {{ wilson_bound('always_serviced_owners', 'owners', '-') }} as always_service_rate_low,
    {{ wilson_bound('always_serviced_owners', 'owners', '+') }} as always_service_rate_high,
    {{ rate('second_asset_owners', 'owners') }} as second_asset_rate,
    {{ wilson_bound('second_asset_owners', 'owners', '-') }} as second_asset_rate_low,
    {{ wilson_bound('second_asset_owners', 'owners', '+') }} as second_asset_rate_high
from counts
