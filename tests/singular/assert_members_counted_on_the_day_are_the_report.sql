-- Members counted from memberships, purchases and engagements on the closing day of a period are
-- those of the report, which cumulates changes, in every slice. Only the newest periods are
-- checked, because the effort grows with members times periods.
with

closings as (
    select periods.*
    from {{ ref('dim_periods') }} as periods
    cross join {{ ref('int_run_settings') }} as settings
    where periods.next_period_start_date > {{ days_after('settings.as_of_date', -400) }}
),

members as (
    select distinct
        closings.period_grain,
        closings.period_start_date,
        closings.closes_on,
        memberships.customer_id
    from closings
    inner join {{ ref('stg_loyalty_memberships') }} as memberships
        on
            closings.closes_on >= memberships.event_date
            and coalesce({{ reporting_day('memberships.left_at') }} > closings.closes_on, true)
),

activities as (
    select
        customer_id,
        order_date as active_on
    from {{ ref('int_orders_sequenced') }}
    where is_purchase

    union all

    select
        customer_id,
        engaged_on as active_on
    from {{ ref('int_own_engagements') }}
),

active_members as (
    select distinct
        members.period_grain,
        members.period_start_date,
        members.customer_id
    from members
    inner join activities
        on
            members.customer_id = activities.customer_id
            and members.closes_on >= activities.active_on
            and {{ days_after('members.closes_on', -var('programme_active_days')) }}
            < activities.active_on
),

counted as (
    select
        members.period_grain,
        members.period_start_date,
        count(*) as members,
        count(active_members.customer_id) as active_members
    from members
    left join active_members
        on
            members.period_grain = active_members.period_grain
            and members.period_start_date = active_members.period_start_date
            and members.customer_id = active_members.customer_id
    group by members.period_grain, members.period_start_date
),

reported as (
    select
        closings.period_grain,
        closings.period_start_date,
        report.segment_name,
        sum(report.members) as members,
        sum(report.active_members) as active_members
    from closings
    inner join {{ ref('rpt_loyalty_programme') }} as report
        on
            closings.period_grain = report.period_grain
            and closings.period_start_date = report.period_start_date
    -- in these a customer of two programmes counts twice
    where report.segment_name not in ('programme', 'programme_tier')
    group by closings.period_grain, closings.period_start_date, report.segment_name
)

select
    reported.period_grain,
    reported.period_start_date,
    reported.segment_name,
    reported.members,
    counted.members as counted_members,
    reported.active_members,
    counted.active_members as counted_active_members
from reported
left join counted
    on
        reported.period_grain = counted.period_grain
        and reported.period_start_date = counted.period_start_date
where
    reported.members <> coalesce(counted.members, 0)
    or reported.active_members <> coalesce(counted.active_members, 0)
