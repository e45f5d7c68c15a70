-- Grain: one row per period and slice, from the first member of the slice on.
{%- set active_days = var('programme_active_days') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

grains as (
    select distinct period_grain from periods
),

-- a stay that ends on the day it began counts on no day
stays as (
    select
        customer_id,
        'membership' as relationship,
        event_date as active_from,
        coalesce({{ reporting_day('left_at') }}, {{ open_end() }}) as active_to
    from {{ ref('stg_loyalty_memberships') }}
    where left_at is null or {{ reporting_day('left_at') }} > event_date
),

-- in two programmes, or twice in one, a customer is one member
memberships as (
    {{ merged_intervals('stays') }}
),

activity_days as (
    select
        customer_id,
        order_date as active_on
    from {{ ref('int_orders_sequenced') }}
    where is_purchase

    union

    select
        customer_id,
        engaged_on as active_on
    from {{ ref('int_own_engagements') }}
),

-- an activity makes its customer active on its day and on those that follow
activity_windows as (
    select
        customer_id,
        'activity' as relationship,
        active_on as active_from,
        {{ days_after('active_on', active_days) }} as active_to
    from activity_days
    where customer_id in (select memberships.customer_id from memberships)
),

activity as (
    {{ merged_intervals('activity_windows') }}
),

-- both are intervals, so what they share are intervals as well
active_memberships as (
    select
        memberships.customer_id,
        greatest(memberships.active_from, activity.active_from) as active_from,
        least(memberships.active_to, activity.active_to) as active_to
    from memberships
    inner join activity
        on
            memberships.customer_id = activity.customer_id
            and memberships.active_from < activity.active_to
            and memberships.active_to > activity.active_from
),

changes as (
    select
        customer_id,
        active_from as changed_on,
        1 as members,
        0 as active_members
    from memberships

    union all

    select
        customer_id,
        active_to as changed_on,
        -1 as members,
        0 as active_members
    from memberships

    union all

    select
        customer_id,
        active_from as changed_on,
        0 as members,
        1 as active_members
    from active_memberships

    union all

    select
        customer_id,
        active_to as changed_on,
        0 as members,
        -1 as active_members
    from active_memberships
),

changes_by_day as (
    select
        changes.changed_on,
        {{ segment_columns('customers') }},
        sum(changes.members) as members,
        sum(changes.active_members) as active_members
    from changes
    inner join {{ ref('dim_customers') }} as customers
        on changes.customer_id = customers.customer_id
    cross join settings
    where changes.changed_on <= settings.as_of_date
    group by changes.changed_on, {{ segment_columns('customers') }}
),

slices as (
    {{ segment_names() }}
),

changes_sliced as (
    select
        changes_by_day.changed_on,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        sum(changes_by_day.members) as members,
        sum(changes_by_day.active_members) as active_members
    from changes_by_day
    cross join slices
    group by changes_by_day.changed_on, slices.segment_name, {{ segment_value() }}
),

slices_with_members as (
    select
        segment_name,
        segment_value,
        min(changed_on) as first_joined_on
    from changes_sliced
    group by segment_name, segment_value
),

-- every period from the first member on, also those in which nothing changed
changes_in_period as (
    select
        periods.period_grain,
        periods.period_start_date,
        slices_with_members.segment_name,
        slices_with_members.segment_value,
        0 as members,
        0 as active_members
    from slices_with_members
    inner join periods
        on slices_with_members.first_joined_on < periods.next_period_start_date

    union all

    select
        grains.period_grain,
        {{ period_start('grains.period_grain', 'changes_sliced.changed_on') }}
            as period_start_date,
        changes_sliced.segment_name,
        changes_sliced.segment_value,
        changes_sliced.members,
        changes_sliced.active_members
    from changes_sliced
    cross join grains
),

net_changes as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        sum(members) as members,
        sum(active_members) as active_members
    from changes_in_period
    group by period_grain, period_start_date, segment_name, segment_value
),

closings as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        cast(sum(members) over changes_so_far as bigint) as members,
        cast(sum(active_members) over changes_so_far as bigint) as active_members
    from net_changes
    window changes_so_far as (
        partition by period_grain, segment_name, segment_value
        order by period_start_date
        rows unbounded preceding
    )
)

select
    -- keys
    closings.period_grain,
    closings.period_start_date,
    closings.segment_name,
    closings.segment_value,

    -- counts
    closings.members,
    closings.active_members,
    closings.members - closings.active_members as passive_members,

    -- rates
    {{ rate('closings.active_members', 'closings.members') }} as active_share,

    -- flags
    periods.is_complete_period
from closings
inner join periods
    on
        closings.period_grain = periods.period_grain
        and closings.period_start_date = periods.period_start_date
