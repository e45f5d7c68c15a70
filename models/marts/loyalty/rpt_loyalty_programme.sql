-- Grain: one row per period and slice, from the first member of the slice on.
{%- set active_days = var('programme_active_days') %}
{%- set keys = ['period_grain', 'period_start_date', 'segment_name', 'segment_value'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

stays as (
    select * from {{ ref('int_programme_stays') }}
),

-- by customer first, then by programme and by its tier
stays_by_membership as (
    select
        customer_id,
        'customer' as segment_name,
        'customer' as segment_value,
        active_from,
        active_to
    from stays

    union all

    select
        customer_id,
        'programme' as segment_name,
        programme as segment_value,
        active_from,
        active_to
    from stays

    union all

    select
        customer_id,
        'programme_tier' as segment_name,
        programme || ' ' || tier as segment_value,
        active_from,
        active_to
    from stays
),

-- a customer in two programmes, or twice in one, is one member, and one of each programme
memberships as (
    {{ merged_intervals(
        'stays_by_membership', keys=['customer_id', 'segment_name', 'segment_value']
    ) }}
),

members as (
    select distinct customer_id from memberships
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

-- an activity keeps its customer active on its day and on the days after it
activity_windows as (
    select
        customer_id,
        active_on as active_from,
        {{ days_after('active_on', active_days) }} as active_to
    from activity_days
    where customer_id in (select members.customer_id from members)
),

activity as (
    {{ merged_intervals('activity_windows', keys=['customer_id']) }}
),

-- both are intervals, so their overlaps are intervals too
active_memberships as (
    select
        memberships.customer_id,
        memberships.segment_name,
        memberships.segment_value,
        greatest(memberships.active_from, activity.active_from) as active_from,
        least(memberships.active_to, activity.active_to) as active_to
    from memberships
    inner join activity
        on
            memberships.customer_id = activity.customer_id
            and memberships.active_from < activity.active_to
            and memberships.active_to > activity.active_from
),

stays_counted as (
    select
        customer_id,
        segment_name,
        segment_value,
        active_from,
        active_to,
        1 as members,
        0 as active_members
    from memberships

    union all

    select
        customer_id,
        segment_name,
        segment_value,
        active_from,
        active_to,
        0 as members,
        1 as active_members
    from active_memberships
),

changes as (
    select
        customer_id,
        segment_name,
        segment_value,
        active_from as changed_on,
        members,
        active_members,
        0 as earned,
        0 as redeemed
    from stays_counted

    union all

    select
        customer_id,
        segment_name,
        segment_value,
        active_to as changed_on,
        -members as members,
        -active_members as active_members,
        0 as earned,
        0 as redeemed
    from stays_counted

    union all

    -- an event does not say of which programme it is: it counts in each that the customer is in
    select
        memberships.customer_id,
        memberships.segment_name,
        memberships.segment_value,
        events.event_date as changed_on,
        0 as members,
        0 as active_members,
        case when events.event_type = 'loyalty_earned' then 1 else 0 end as earned,
        case when events.event_type = 'loyalty_redeemed' then 1 else 0 end as redeemed
    from memberships
    inner join {{ ref('stg_engagement_events') }} as events
        on
            memberships.customer_id = events.customer_id
            and memberships.active_from <= events.event_date
            and memberships.active_to > events.event_date
    where events.event_type in ('loyalty_earned', 'loyalty_redeemed')
),

changes_by_day as (
    select
        changes.changed_on,
        changes.segment_name as membership_name,
        changes.segment_value as membership_value,
        {{ slice_columns('customers') }},
        sum(changes.members) as members,
        sum(changes.active_members) as active_members,
        sum(changes.earned) as earned,
        sum(changes.redeemed) as redeemed
    from changes
    inner join {{ ref('dim_customers') }} as customers
        on changes.customer_id = customers.customer_id
    cross join settings
    where changes.changed_on <= settings.as_of_date
    group by
        changes.changed_on,
        changes.segment_name,
        changes.segment_value,
        {{ slice_columns('customers') }}
),

changes_of_customers as (
    select * from changes_by_day
    where membership_name = 'customer'
),

changes_of_slices as (
    select
        changed_on,
        segment_name,
        segment_value,
        members,
        active_members,
        earned,
        redeemed
    from (
        {{ rows_by_slice('changes_of_customers') }}
    ) as changes_of_segments

    union all

    select
        changed_on,
        membership_name as segment_name,
        membership_value as segment_value,
        members,
        active_members,
        earned,
        redeemed
    from changes_by_day
    where membership_name <> 'customer'
),

changes_by_slice as (
    select
        changed_on,
        segment_name,
        segment_value,
        sum(members) as members,
        sum(active_members) as active_members,
        sum(earned) as earned,
        sum(redeemed) as redeemed
    from changes_of_slices
    group by changed_on, segment_name, segment_value
),

changes_by_period as (
    {{ rows_by_period('changes_by_slice', 'changed_on') }}
),

net_changes as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        sum(members) as members,
        sum(active_members) as active_members,
        sum(earned) as earned,
        sum(redeemed) as redeemed
    from changes_by_period
    group by period_grain, period_start_date, segment_name, segment_value
),

slice_periods as (
    {{ periods_of_groups('changes_by_slice', ['segment_name', 'segment_value'], 'changed_on') }}
),

closings as (
    select
        slice_periods.*,
        cast(sum(coalesce(net_changes.members, 0)) over changes_so_far as bigint) as members,
        cast(sum(coalesce(net_changes.active_members, 0)) over changes_so_far as bigint)
            as active_members,
        cast(coalesce(net_changes.earned, 0) as bigint) as earned,
        cast(coalesce(net_changes.redeemed, 0) as bigint) as redeemed
    from slice_periods
    left join net_changes
        on {{ same_values('slice_periods', 'net_changes', keys) }}
    window changes_so_far as (
        partition by
            slice_periods.period_grain,
            slice_periods.segment_name,
            slice_periods.segment_value
        order by slice_periods.period_start_date
        rows unbounded preceding
    )
),

-- who is a member at the end of a month is one at the end of the year that ends with it; events
-- add up over its months
closings_with_years as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        members,
        active_members,
        earned,
        redeemed
    from closings

    union all

    select
        '{{ trailing_grain() }}' as period_grain,
        {{ trailing_start('period_start_date') }} as period_start_date,
        segment_name,
        segment_value,
        members,
        active_members,
        cast(sum(earned) over twelve_months as bigint) as earned,
        cast(sum(redeemed) over twelve_months as bigint) as redeemed
    from closings
    where period_grain = 'month'
    window twelve_months as (
        partition by segment_name, segment_value
        order by period_start_date
        rows between 11 preceding and current row
    )
)

select
    -- keys
    counts.period_grain,
    counts.period_start_date,
    counts.segment_name,
    counts.segment_value,

    -- dates
    periods.closes_on,

    -- counts
    counts.members,
    counts.active_members,
    counts.members - counts.active_members as passive_members,
    counts.earned as earned_events,
    counts.redeemed as redeemed_events,

    -- rates
    case
        when periods.has_rates then {{ rate('counts.active_members', 'counts.members') }}
    end as active_share,

    -- flags
    periods.is_complete_period
from closings_with_years as counts
inner join {{ ref('int_periods') }} as periods
    on {{ same_values('counts', 'periods', ['period_grain', 'period_start_date']) }}
