-- In every period, rpt_acquisition_quality has the new customers of the marketing mix, in each
-- segment; those of months add up to those of all time.
with

won as (
    select
        month_start_date,
        sum(new_customers) as new_customers
    from {{ ref('rpt_marketing_mix') }}
    group by month_start_date
),

won_by_period as (
    {{ rows_by_period_and_ever('won', 'month_start_date') }}
),

expected as (
    select
        period_grain,
        period_start_date,
        sum(new_customers) as new_customers
    from won_by_period
    group by period_grain, period_start_date
),

found as (
    select
        period_grain,
        period_start_date,
        segment_name,
        sum(new_customers) as new_customers
    from {{ ref('rpt_acquisition_quality') }}
    group by period_grain, period_start_date, segment_name
)

select
    expected.period_grain,
    expected.period_start_date,
    found.segment_name,
    expected.new_customers as expected_customers,
    found.new_customers as found_customers
from expected
full join found
    on {{ same_values('expected', 'found', ['period_grain', 'period_start_date']) }}
where coalesce(expected.new_customers, 0) <> coalesce(found.new_customers, 0)
