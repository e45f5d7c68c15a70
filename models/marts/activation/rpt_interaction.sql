-- Grain: one row per month and slice with a customer up to then.
{%- set keys = ['month_start_date', 'segment_name', 'segment_value'] %}
{%- set sides = [] %}
{%- for relation in ['rates', 'year_before'] %}
{%- for side in ['share', 'low', 'high'] %}
{%- do sides.append(relation ~ '.silent_' ~ side) %}
{%- endfor %}
{%- endfor %}

with

months as (
    select
        period_start_date as month_start_date,
        next_period_start_date as next_month_start_date,
        closes_on,
        is_complete_period,
        has_rates and is_complete_period as has_rates
    from {{ ref('int_periods') }}
    where period_grain = 'month'
),

customers as (
    select * from {{ ref('int_customers') }}
),

-- a day counts if the customer was in a spell of `any`
customer_months as (
    select
        engagements.customer_id,
        {{ month_start('engagements.engaged_on') }} as month_start_date,
        count(case when engagements.event_type = 'portal_login' then 1 end) as logins,
        count(case when engagements.event_type = 'tool_use' then 1 end) as tool_uses,
        count(case when engagements.event_type = 'download' then 1 end) as downloads,
        count(case when engagements.event_type = 'site_visit' then 1 end) as return_visits,
        count(*) as engagements,
        sum(coalesce(engagements.duration_seconds, 0)) as seconds_online
    from {{ ref('int_own_engagements') }} as engagements
    inner join {{ ref('int_activity_spells') }} as spells
        on
            engagements.customer_id = spells.customer_id
            and engagements.engaged_on >= spells.started_on
            and engagements.engaged_on < coalesce(spells.ended_on, {{ open_end() }})
    where spells.relationship = 'any'
    group by engagements.customer_id, {{ month_start('engagements.engaged_on') }}
),

-- of several readings of a day the highest is the last
readings as (
    select
        asset_id,
        customer_id,
        event_date as read_on,
        max(reading) as reading
    from {{ ref('stg_usage_readings') }}
    group by asset_id, customer_id, event_date
),

stretches as (
    select
        asset_id,
        customer_id,
        read_on as read_from,
        reading,
        lead(read_on) over asset_readings as read_to,
        lead(reading) over asset_readings as next_reading
    from readings
    window asset_readings as (
        partition by asset_id, customer_id
        order by read_on
    )
),

-- between two readings the meter is taken to grow evenly; one that falls was replaced
stretches_of_months as (
    select
        stretches.asset_id,
        stretches.customer_id,
        months.month_start_date,
        {{ days_between('months.month_start_date', 'months.next_month_start_date') }}
            as month_days,
        {{ days_between(
            'greatest(stretches.read_from, months.month_start_date)',
            'least(stretches.read_to, months.next_month_start_date)',
        ) }} as measured_days,
        {{ rate(
            'stretches.next_reading - stretches.reading',
            days_between('stretches.read_from', 'stretches.read_to'),
        ) }} as usage_per_day
    from stretches
    inner join months
        on
            stretches.read_from < months.next_month_start_date
            and stretches.read_to > months.month_start_date
    where stretches.next_reading >= stretches.reading
),

-- only months that lie between two readings from their first day to their last
metered_months as (
    select
        asset_id,
        customer_id,
        month_start_date,
        sum(usage_per_day * measured_days) as usage
    from stretches_of_months
    group by asset_id, customer_id, month_start_date
    having sum(measured_days) = max(month_days)
),

tallies as (
    select
        period_start_date as month_start_date,
        {{ segment_columns() }},
        active_in_period_customers as active,
        0 as engaged,
        0 as logins,
        0 as tool_uses,
        0 as downloads,
        0 as return_visits,
        0 as engagements,
        0 as seconds_online,
        0 as metered_assets,
        cast(0 as double) as usage
    from {{ ref('int_retention_periods_counted') }}
    where relationship = 'any' and period_grain = 'month'

    union all

    select
        customer_months.month_start_date,
        {{ segment_columns('customers') }},
        0 as active,
        1 as engaged,
        customer_months.logins,
        customer_months.tool_uses,
        customer_months.downloads,
        customer_months.return_visits,
        customer_months.engagements,
        customer_months.seconds_online,
        0 as metered_assets,
        cast(0 as double) as usage
    from customer_months
    inner join customers
        on customer_months.customer_id = customers.customer_id

    union all

    select
        metered_months.month_start_date,
        {{ segment_columns('customers') }},
        0 as active,
        0 as engaged,
        0 as logins,
        0 as tool_uses,
        0 as downloads,
        0 as return_visits,
        0 as engagements,
        0 as seconds_online,
        1 as metered_assets,
        metered_months.usage
    from metered_months
    inner join customers
        on metered_months.customer_id = customers.customer_id
),

tallies_by_segment as (
    select
        month_start_date,
        {{ segment_columns() }},
        sum(active) as active,
        sum(engaged) as engaged,
        sum(logins) as logins,
        sum(tool_uses) as tool_uses,
        sum(downloads) as downloads,
        sum(return_visits) as return_visits,
        sum(engagements) as engagements,
        sum(seconds_online) as seconds_online,
        sum(metered_assets) as metered_assets,
        sum(usage) as usage
    from tallies
    group by month_start_date, {{ segment_columns() }}
),

tallies_by_slice as (
    {{ rows_by_slice('tallies_by_segment', segments()) }}
),

counts as (
    select
        {{ keys | join(', ') }},
        sum(active) as active,
        sum(engaged) as engaged,
        sum(logins) as logins,
        sum(tool_uses) as tool_uses,
        sum(downloads) as downloads,
        sum(return_visits) as return_visits,
        sum(engagements) as engagements,
        sum(seconds_online) as seconds_online,
        sum(metered_assets) as metered_assets,
        sum(usage) as usage
    from tallies_by_slice
    group by {{ keys | join(', ') }}
),

-- an unfinished month has fewer days to engage on
rates as (
    select
        counts.*,
        months.closes_on,
        months.is_complete_period,
        months.has_rates,
        counts.active - counts.engaged as silent,
        case
            when months.has_rates
                then {{ rate('(counts.active - counts.engaged)', 'counts.active') }}
        end as silent_share,
        case
            when months.has_rates
                then {{ wilson_bound('(counts.active - counts.engaged)', 'counts.active', '-') }}
        end as silent_low,
        case
            when months.has_rates
                then {{ wilson_bound('(counts.active - counts.engaged)', 'counts.active', '+') }}
        end as silent_high,
        case when months.has_rates then counts.active end as rated
    from counts
    inner join months
        on counts.month_start_date = months.month_start_date
)

select
    -- keys
    rates.month_start_date,
    rates.segment_name,
    rates.segment_value,

    -- dates
    rates.closes_on,

    -- counts
    cast(rates.active as bigint) as active_customers,
    cast(rates.engaged as bigint) as engaged_customers,
    cast(rates.silent as bigint) as silent_customers,
    cast(rates.engagements as bigint) as engagements,
    cast(rates.logins as bigint) as logins,
    cast(rates.tool_uses as bigint) as tool_uses,
    cast(rates.downloads as bigint) as downloads,
    cast(rates.return_visits as bigint) as return_visits,
    cast(rates.seconds_online as bigint) as seconds_online,
    cast(rates.metered_assets as bigint) as metered_assets,
    rates.usage as meter_usage,

    -- per customer
    {{ rate('rates.engagements', 'rates.rated') }} as engagements_per_customer,
    {{ rate('rates.logins', 'rates.rated') }} as logins_per_customer,
    {{ rate('rates.tool_uses', 'rates.rated') }} as tool_uses_per_customer,
    {{ rate('rates.downloads', 'rates.rated') }} as downloads_per_customer,
    {{ rate('rates.return_visits', 'rates.rated') }} as return_visits_per_customer,
    {{ rate('rates.seconds_online', 'rates.rated') }} as seconds_online_per_customer,
    {{ rate('rates.usage', 'rates.metered_assets') }} as meter_usage_per_asset,

    -- rates
    rates.silent_share,
    rates.silent_low as silent_share_ci_low,
    rates.silent_high as silent_share_ci_high,
    rates.silent_share - year_before.silent_share as silent_share_difference,
    {{ difference_bound(*sides, side='-') }} as silent_share_difference_ci_low,
    {{ difference_bound(*sides, side='+') }} as silent_share_difference_ci_high,

    -- flags
    rates.is_complete_period
from rates
left join rates as year_before
    on
        {{ months_after('rates.month_start_date', -12) }} = year_before.month_start_date
        and {{ same_values('rates', 'year_before', keys[1:]) }}
