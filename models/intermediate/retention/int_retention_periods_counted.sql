-- Grain: one row per relationship, period and combination of segments.
{{ config(materialized='table') }}
{%- set keys = ['relationship', 'period_grain', 'period_start_date'] + segments() %}

with

spells as (
    select
        spells.customer_id,
        spells.relationship,
        spells.started_on,
        spells.ended_on,
        spells.first_started_on,
        spells.previous_ended_on,
        spells.next_started_on,
        {{ segment_columns('customers') }}
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
),

started_spells as (
    {{ rows_by_period('spells', 'started_on', calendar_grains()) }}
),

-- customers who come in, with their first spell ever or the first one after a period opened without
arrivals as (
    select
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        count(*) as started_spells,
        count(case when previous_ended_on is null then 1 end) as first_arrivals,
        count(case when previous_ended_on < period_start_date then 1 end) as returns
    from started_spells
    group by relationship, period_grain, period_start_date, {{ segment_columns() }}
),

lost_to_competitors as (
    select * from {{ ref('int_churn_events_explained') }}
    where switched_to_competitor
),

spells_with_losses as (
    select
        spells.*,
        lost_to_competitors.customer_id is not null as is_lost_to_competitor
    from spells
    left join lost_to_competitors
        on
            spells.customer_id = lost_to_competitors.customer_id
            and spells.relationship = lost_to_competitors.relationship
            and spells.ended_on = lost_to_competitors.churned_on
),

ended_spells as (
    {{ rows_by_period('spells_with_losses', 'ended_on', calendar_grains()) }}
),

-- one row per customer with a spell that ended in the period, and whether they were active at its
-- opening and at its close: a spell that began before the period was active at its opening
leavers as (
    select
        customer_id,
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        count(*) as churn_events,
        min(started_on) < period_start_date as is_opening,
        min(first_started_on) >= period_start_date as is_first_arrival,
        max(coalesce({{ period_start('period_grain', 'next_started_on') }}, {{ open_end() }}))
        = period_start_date as is_closing,
        max(case when is_lost_to_competitor then 1 else 0 end) = 1 as is_lost_to_competitor
    from ended_spells
    group by
        customer_id,
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }}
),

departures as (
    select
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        sum(churn_events) as churn_events,
        count(case when is_opening and not is_closing then 1 end) as lost,
        count(case when is_opening and not is_closing and is_lost_to_competitor then 1 end)
            as lost_to_competitors,
        count(case when is_opening and is_closing then 1 end) as lost_and_returned,
        count(case when is_first_arrival and not is_closing then 1 end) as new_and_lost,
        count(
            case when not is_opening and not is_first_arrival and not is_closing then 1 end
        ) as reactivated_and_lost
    from leavers
    group by relationship, period_grain, period_start_date, {{ segment_columns() }}
),

segment_periods as (
    {{ periods_of_groups(
        'spells', ['relationship'] + segments(), 'started_on', calendar_grains()
    ) }}
),

movements as (
    select
        segment_periods.*,
        coalesce(arrivals.started_spells, 0) as started_spells,
        coalesce(arrivals.first_arrivals, 0) as first_arrivals,
        coalesce(arrivals.returns, 0) as returns,
        coalesce(departures.churn_events, 0) as churn_events,
        coalesce(departures.lost, 0) as lost_customers,
        coalesce(departures.lost_to_competitors, 0) as competitor_lost_customers,
        coalesce(departures.lost_and_returned, 0) as lost_and_returned_customers,
        coalesce(departures.new_and_lost, 0) as new_and_lost_customers,
        coalesce(departures.reactivated_and_lost, 0) as reactivated_and_lost_customers
    from segment_periods
    left join arrivals
        on {{ same_values('segment_periods', 'arrivals', keys) }}
    left join departures
        on {{ same_values('segment_periods', 'departures', keys) }}
),

-- a customer is in one spell at a time, so spells begun less spells ended are active customers
movements_cumulated as (
    select
        *,
        sum(started_spells - churn_events) over (
            partition by relationship, period_grain, {{ segment_columns() }}
            order by period_start_date
            rows unbounded preceding
        ) as closing_customers
    from movements
),

calendar_periods as (
    select
        *,
        closing_customers - started_spells + churn_events as opening_customers,
        first_arrivals - new_and_lost_customers as new_customers,
        returns - reactivated_and_lost_customers as reactivated_customers
    from movements_cumulated
),

-- a year that ends in any month is no period of a calendar, nor a sum of months
periods_counted as (
    {%- for periods in ['calendar_periods', ref('int_retention_years_counted')] %}
    select
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        closes_on,
        opening_customers,
        new_customers,
        reactivated_customers,
        lost_customers,
        closing_customers,
        competitor_lost_customers,
        lost_and_returned_customers,
        first_arrivals,
        returns,
        churn_events,
        has_rates,
        is_complete_period
    from {{ periods }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    relationship,
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- dates
    closes_on,

    -- counts
    cast(opening_customers as bigint) as opening_customers,
    cast(new_customers as bigint) as new_customers,
    cast(reactivated_customers as bigint) as reactivated_customers,
    cast(lost_customers as bigint) as lost_customers,
    cast(closing_customers as bigint) as closing_customers,
    cast(competitor_lost_customers as bigint) as competitor_lost_customers,
    cast(lost_and_returned_customers as bigint) as lost_and_returned_customers,
    cast(first_arrivals - new_customers as bigint) as new_and_lost_customers,
    cast(returns - reactivated_customers as bigint) as reactivated_and_lost_customers,
    cast(opening_customers + first_arrivals + returns as bigint)
        as active_in_period_customers,
    cast(churn_events as bigint) as churn_events,

    -- flags
    has_rates,
    is_complete_period
from periods_counted
