-- Grain: one row per relationship, twelve months to a month and combination of segments.
{{ config(materialized='table') }}
{%- set group = ['relationship', 'segment_number'] %}
{%- set measures = [
    'opening', 'closing', 'stayed', 'lost_and_returned', 'lost_to_competitors', 'first_arrivals',
    'new', 'returns', 'churn_events',
] %}

with

segments as (
    {{ numbered_segments(ref('int_customers')) }}
),

customers as (
    select
        customers.customer_id,
        segments.segment_number
    from {{ ref('int_customers') }} as customers
    inner join segments
        on {{ same_values('customers', 'segments', segments()) }}
),

-- in months: a customer is active at the ends of the months from active_from until before
-- active_to, and of none of them if both are the same
spells as (
    select
        spells.customer_id,
        spells.relationship,
        spells.spell_number,
        spells.ended_on,
        customers.segment_number,
        {{ month_start('spells.started_on') }} as active_from,
        {{ month_start('spells.ended_on') }} as active_to,
        {{ month_start('spells.next_started_on') }} as next_active_from,
        {{ month_start('spells.first_started_on') }} as first_active_from,
        {{ month_start('spells.previous_ended_on') }} as previous_active_to
    from {{ ref('int_activity_spells') }} as spells
    inner join customers
        on spells.customer_id = customers.customer_id
),

-- many spells share their months
spell_months as (
    select
        relationship,
        segment_number,
        active_from,
        active_to,
        first_active_from,
        previous_active_to,
        count(*) as customers
    from spells
    group by
        relationship,
        segment_number,
        active_from,
        active_to,
        first_active_from,
        previous_active_to
),

-- who is active at the end of a month opens the year that ends twelve months later
spell_years as (
    select
        *,
        {{ months_after('active_from', 12) }} as opens_from,
        {{ months_after('active_to', 12) }} as opens_to
    from spell_months
),

-- only customers whose spell has ended can be in another one later
spells_ended as (
    select
        *,
        {{ months_after('active_from', 12) }} as opens_from,
        {{ months_after('active_to', 12) }} as opens_to
    from spells
    where ended_on is not null
),

-- customers who are in one spell at the opening and in a later one at the closing
customers_returned as (
    select
        opening_spells.relationship,
        opening_spells.segment_number,
        greatest(opening_spells.opens_from, closing_spells.active_from) as counts_from,
        least(
            opening_spells.opens_to, coalesce(closing_spells.active_to, {{ open_end() }})
        ) as counts_to,
        1 as customers
    from spells_ended as opening_spells
    inner join spells as closing_spells
        on
            opening_spells.customer_id = closing_spells.customer_id
            and opening_spells.relationship = closing_spells.relationship
            and opening_spells.spell_number < closing_spells.spell_number
            and opening_spells.opens_to > closing_spells.active_from
    where opening_spells.next_active_from is not null
),

lost_to_competitors as (
    select
        customer_id,
        relationship,
        churned_on
    from {{ ref('int_churn_events_explained') }}
    where switched_to_competitor
),

-- the silence after each spell of customers who ever went to a competitor, with the month in which
-- they last did
silences as (
    select
        spells.customer_id,
        spells.relationship,
        spells.spell_number,
        spells.active_to as silent_from,
        coalesce(spells.next_active_from, {{ open_end() }}) as silent_to,
        max(
            case when lost_to_competitors.customer_id is not null then spells.active_to end
        ) over (
            partition by spells.customer_id, spells.relationship
            order by spells.spell_number
            rows unbounded preceding
        ) as last_lost_month
    from spells_ended as spells
    left join lost_to_competitors
        on
            spells.customer_id = lost_to_competitors.customer_id
            and spells.relationship = lost_to_competitors.relationship
            and spells.ended_on = lost_to_competitors.churned_on
    where
        spells.customer_id in (
            select customers_lost.customer_id
            from lost_to_competitors as customers_lost
        )
),

-- customers who are in a spell at the opening and silent at the closing, having gone to a
-- competitor in between
customers_lost_to_competitors as (
    select
        opening_spells.relationship,
        opening_spells.segment_number,
        greatest(opening_spells.opens_from, silences.silent_from) as counts_from,
        least(
            opening_spells.opens_to,
            silences.silent_to,
            {{ months_after('silences.last_lost_month', 12) }}
        ) as counts_to,
        1 as customers
    from spells_ended as opening_spells
    inner join silences
        on
            opening_spells.customer_id = silences.customer_id
            and opening_spells.relationship = silences.relationship
            and opening_spells.spell_number <= silences.spell_number
            and opening_spells.opens_to > silences.silent_from
    where silences.last_lost_month is not null
),

-- the closing months of the years that count a customer, [counts_from, counts_to)
stretches as (
    select
        relationship,
        segment_number,
        'closing' as measure,
        active_from as counts_from,
        active_to as counts_to,
        customers
    from spell_years

    union all

    select
        relationship,
        segment_number,
        'opening' as measure,
        opens_from as counts_from,
        opens_to as counts_to,
        customers
    from spell_years

    union all

    -- in one spell throughout
    select
        relationship,
        segment_number,
        'stayed' as measure,
        opens_from as counts_from,
        active_to as counts_to,
        customers
    from spell_years

    union all

    select
        relationship,
        segment_number,
        'first_arrivals' as measure,
        active_from as counts_from,
        opens_from as counts_to,
        customers
    from spell_years
    where previous_active_to is null

    union all

    -- in any spell while the first one is less than a year old
    select
        relationship,
        segment_number,
        'new' as measure,
        active_from as counts_from,
        least(
            {{ months_after('first_active_from', 12) }}, coalesce(active_to, {{ open_end() }})
        ) as counts_to,
        customers
    from spell_years

    union all

    -- the spell before ended before the year began, or else the customer was lost in the year
    select
        relationship,
        segment_number,
        'returns' as measure,
        greatest(active_from, {{ months_after('previous_active_to', 12) }}) as counts_from,
        opens_from as counts_to,
        customers
    from spell_years
    where previous_active_to is not null

    union all

    select
        relationship,
        segment_number,
        'churn_events' as measure,
        active_to as counts_from,
        opens_to as counts_to,
        customers
    from spell_years
    where active_to is not null

    union all

    select
        relationship,
        segment_number,
        'lost_and_returned' as measure,
        counts_from,
        counts_to,
        customers
    from customers_returned

    union all

    select
        relationship,
        segment_number,
        'lost_to_competitors' as measure,
        counts_from,
        counts_to,
        customers
    from customers_lost_to_competitors
),

changes as (
    {%- for month, sign in [('counts_from', ''), ('counts_to', '-')] %}
    select
        relationship,
        segment_number,
        {{ month }} as changed_month,
        {{ of_each(
            measures, sign ~ "sum(case when measure = '{}' then customers else 0 end)"
        ) }}
    from stretches
    where {{ month }} is not null and coalesce(counts_from < counts_to, true)
    group by relationship, segment_number, {{ month }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

years as (
    {{ trailing_years('changes', group, measures) }}
)

select
    -- keys
    years.relationship,
    years.period_grain,
    years.period_start_date,
    {{ segment_columns('segments') }},

    -- dates
    years.closes_on,

    -- counts
    years.opening as opening_customers,
    years.closing as closing_customers,
    years.lost_and_returned as lost_and_returned_customers,
    years.opening - years.stayed - years.lost_and_returned as lost_customers,
    years.lost_to_competitors as competitor_lost_customers,
    years.first_arrivals,
    years.new as new_customers,
    years.returns,
    years.closing - years.stayed - years.lost_and_returned - years.new as reactivated_customers,
    years.churn_events,

    -- flags
    years.has_rates,
    years.is_complete_period
from years
inner join segments
    on years.segment_number = segments.segment_number
