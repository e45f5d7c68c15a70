-- The grains of the calendar close on the same day with the same active customers and add up the
-- same churn events, which are those of the spells.
with

period_totals as (
    select
        periods.relationship,
        periods.period_grain,
        sum(periods.churn_events) as churn_events,
        sum(
            case
                when calendar.closes_on = settings.as_of_date
                    then periods.closing_customers
            end
        ) as active_customers
    from {{ ref('rpt_retention_periods') }} as periods
    inner join {{ ref('dim_periods') }} as calendar
        on
            periods.period_grain = calendar.period_grain
            and periods.period_start_date = calendar.period_start_date
    cross join {{ ref('int_run_settings') }} as settings
    where {{ is_of_grains('periods.period_grain', calendar_grains()) }}
    group by periods.relationship, periods.period_grain
),

spell_totals as (
    select
        relationship,
        count(ended_on) as churn_events,
        count(case when is_active then 1 end) as active_customers
    from {{ ref('fct_activity_spells') }}
    group by relationship
)

select
    period_totals.*,
    spell_totals.churn_events as churn_events_of_spells,
    spell_totals.active_customers as active_customers_of_spells
from spell_totals
left join period_totals
    on spell_totals.relationship = period_totals.relationship
where
    period_totals.churn_events is distinct from spell_totals.churn_events
    or period_totals.active_customers is distinct from spell_totals.active_customers
