-- Grain: one row per customer, trend and interval of days over which it holds.
{{ config(materialized='table') }}
{%- set span_days = var('trend_days') %}
{#- in whole percent, so that whole numbers are compared -#}
{%- set enter = (100 * var('trend_enter_share')) | round | int %}
{%- set leave = (100 * var('trend_leave_share')) | round | int %}
{%- set trends = {
    'declining': ('<= ' ~ (100 - enter), '> ' ~ (100 - leave)),
    'growing': ('>= ' ~ (100 + enter), '< ' ~ (100 + leave)),
} %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- customers who have been active for long enough to compare two spans
customers as (
    select
        spells.customer_id,
        settings.as_of_date,
        {{ days_after('spells.started_on', 2 * span_days) }} as compared_from
    from {{ ref('int_activity_spells') }} as spells
    cross join settings
    where
        spells.relationship = 'any'
        and spells.spell_number = 1
        and {{ days_after('spells.started_on', 2 * span_days) }} <= settings.as_of_date
),

-- an order counts in the current span of days, then in the span before it, then no more
offsets as (
    select
        0 as days_later,
        1 as in_span,
        0 as in_span_before
    union all
    select
        {{ span_days }} as days_later,
        -1 as in_span,
        1 as in_span_before
    union all
    select
        {{ 2 * span_days }} as days_later,
        0 as in_span,
        -1 as in_span_before
),

points as (
    select
        customers.customer_id,
        customers.compared_from,
        customers.as_of_date,
        {{ days_after('entries.revenue_date', 'offsets.days_later') }} as changed_on,
        cast(entries.revenue_amount * 100 as double) * offsets.in_span as change,
        cast(entries.revenue_amount * 100 as double) * offsets.in_span_before as change_before
    from {{ ref('int_revenue_entries') }} as entries
    inner join customers
        on entries.customer_id = customers.customer_id
    cross join offsets
    where entries.revenue_amount <> 0

    union all

    -- recurring revenue counts for the months of a span, and a span later as the span before
    select
        customers.customer_id,
        customers.compared_from,
        customers.as_of_date,
        {{ days_after('steps.changed_on', 'spans.days_later') }} as changed_on,
        cast((steps.mrr_after_amount - steps.mrr_before_amount) * 100 as double)
        * {{ span_days // 30 }} * spans.is_now as change,
        cast((steps.mrr_after_amount - steps.mrr_before_amount) * 100 as double)
        * {{ span_days // 30 }} * (1 - spans.is_now) as change_before
    from {{ ref('int_mrr_steps') }} as steps
    inner join customers
        on steps.customer_id = customers.customer_id
    cross join (
        select
            0 as days_later,
            1 as is_now
        union all
        select
            {{ span_days }} as days_later,
            0 as is_now
    ) as spans

    union all

    select
        customer_id,
        compared_from,
        as_of_date,
        compared_from as changed_on,
        0 as change,
        0 as change_before
    from customers
),

days as (
    select
        customer_id,
        compared_from,
        changed_on,
        sum(change) as change,
        sum(change_before) as change_before
    from points
    where changed_on <= as_of_date
    group by customer_id, compared_from, changed_on
),

days_cumulated as (
    select
        *,
        sum(change) over customer_days as spent,
        sum(change_before) over customer_days as spent_before
    from days
    window customer_days as (
        partition by customer_id
        order by changed_on
        rows unbounded preceding
    )
),

-- a trend begins at one share and ends within a smaller one; between the two it stays as it was
days_marked as (
    {%- for trend, thresholds in trends.items() %}
    select
        customer_id,
        '{{ trend }}' as trend,
        changed_on,
        changed_on = compared_from as is_first,
        {{ trend_mark('spent', 'spent_before', thresholds) }} as mark,
        {{ trend_mark('(spent - change)', '(spent_before - change_before)', thresholds) }}
            as mark_before
    from days_cumulated
    where changed_on >= compared_from
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

changes as (
    select
        customer_id,
        trend,
        changed_on,
        mark,
        lag(mark, 1, 0) over trend_days as mark_held
    from days_marked
    where mark is not null and (is_first or mark_before is null or mark <> mark_before)
    window trend_days as (
        partition by customer_id, trend
        order by changed_on
    )
),

intervals as (
    select
        customer_id,
        trend,
        changed_on as holds_from,
        mark,
        lead(changed_on) over (
            partition by customer_id, trend
            order by changed_on
        ) as holds_to
    from changes
    where mark <> mark_held
)

select
    customer_id,
    trend,
    holds_from,
    holds_to
from intervals
where mark = 1
