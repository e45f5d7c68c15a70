-- The customers in a spell of `subscription` at the closing of a period are those who pay then, and
-- beside them the members for life who do not, in every segment.
with

members_for_life as (
    select distinct
        periods.period_grain,
        periods.period_start_date,
        versions.customer_id
    from {{ ref('dim_periods') }} as periods
    inner join {{ ref('int_subscription_versions') }} as versions
        on
            periods.closes_on >= versions.started_on
            and periods.closes_on < coalesce(versions.stopped_on, {{ open_end() }})
    left join {{ ref('int_mrr_intervals') }} as paid
        on
            versions.customer_id = paid.customer_id
            and periods.closes_on >= paid.active_from
            and periods.closes_on < paid.active_to
    where versions.is_for_life and paid.customer_id is null
),

members_of_segments as (
    select
        members_for_life.period_grain,
        members_for_life.period_start_date,
        {{ segment_columns('customers') }},
        count(*) as members
    from members_for_life
    inner join {{ ref('dim_customers') }} as customers
        on members_for_life.customer_id = customers.customer_id
    group by
        members_for_life.period_grain,
        members_for_life.period_start_date,
        {{ segment_columns('customers') }}
),

subscribed as (
    select
        retention.period_grain,
        retention.period_start_date,
        {{ segment_columns('retention') }},
        retention.closing_customers - coalesce(members_of_segments.members, 0) as customers
    from {{ ref('rpt_retention_periods') }} as retention
    left join members_of_segments
        on {{ same_values('retention', 'members_of_segments', [
            'period_grain', 'period_start_date'
        ] + segments()) }}
    where retention.relationship = 'subscription'
)

select
    coalesce(mrr.period_grain, subscribed.period_grain) as period_grain,
    coalesce(mrr.period_start_date, subscribed.period_start_date) as period_start_date,
    mrr.paying_customers,
    subscribed.customers
from {{ ref('rpt_mrr_periods') }} as mrr
full join subscribed
    on {{ same_values('mrr', 'subscribed', ['period_grain', 'period_start_date'] + segments()) }}
where coalesce(mrr.paying_customers, 0) <> coalesce(subscribed.customers, 0)
