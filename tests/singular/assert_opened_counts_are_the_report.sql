-- Counts of customers by their spells on the two days that bound a period are those of the report,
-- which cumulates changes. Only the newest periods are checked, because the effort grows with
-- customers times periods, which the report avoids.
with

newest_periods as (
    select periods.*
    from {{ ref('dim_periods') }} as periods
    cross join {{ ref('int_run_settings') }} as settings
    where periods.next_period_start_date > {{ days_after('settings.as_of_date', -100) }}
),

states as (
    select
        spells.relationship,
        periods.period_grain,
        periods.period_start_date,
        spells.customer_id,
        bool_or(
            spells.started_on < periods.period_start_date
            and coalesce(spells.ended_on >= periods.period_start_date, true)
        ) as is_opening,
        bool_or(coalesce(spells.ended_on > periods.closes_on, true)) as is_closing,
        min(spells.first_started_on) >= periods.period_start_date as is_first_arrival
    from {{ ref('fct_activity_spells') }} as spells
    inner join newest_periods as periods
        on
            spells.started_on <= periods.closes_on
            and coalesce(spells.ended_on >= periods.period_start_date, true)
    group by
        spells.relationship,
        periods.period_grain,
        periods.period_start_date,
        spells.customer_id
),

counts as (
    select
        relationship,
        period_grain,
        period_start_date,
        count(*) as active_in_period_customers,
        count(case when is_opening then 1 end) as opening_customers,
        count(case when is_closing then 1 end) as closing_customers,
        count(case when is_opening and not is_closing then 1 end) as lost_customers,
        count(case when is_first_arrival and is_closing then 1 end) as new_customers,
        count(
            case when not is_opening and not is_first_arrival and is_closing then 1 end
        ) as reactivated_customers
    from states
    group by relationship, period_grain, period_start_date
),

report as (
    select
        report.relationship,
        report.period_grain,
        report.period_start_date,
        sum(report.active_in_period_customers) as active_in_period_customers,
        sum(report.opening_customers) as opening_customers,
        sum(report.closing_customers) as closing_customers,
        sum(report.lost_customers) as lost_customers,
        sum(report.new_customers) as new_customers,
        sum(report.reactivated_customers) as reactivated_customers
    from {{ ref('rpt_retention_periods') }} as report
    inner join newest_periods
        on
            report.period_grain = newest_periods.period_grain
            and report.period_start_date = newest_periods.period_start_date
    group by report.relationship, report.period_grain, report.period_start_date
    having sum(report.active_in_period_customers) > 0
),

both_sides as (
    select * from counts
    union all
    select * from report
)

-- a row that both sides share appears exactly twice
select
    relationship,
    period_grain,
    period_start_date,
    active_in_period_customers,
    opening_customers,
    closing_customers,
    lost_customers,
    new_customers,
    reactivated_customers,
    count(*) as sides
from both_sides
group by
    relationship,
    period_grain,
    period_start_date,
    active_in_period_customers,
    opening_customers,
    closing_customers,
    lost_customers,
    new_customers,
    reactivated_customers
having count(*) <> 2
