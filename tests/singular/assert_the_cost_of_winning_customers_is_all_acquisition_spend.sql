-- Spend that channels without customers pass on is what the others receive: own and spread spend of
-- a month add up to all of its acquisition spend. In the window of the formula, CAC of everybody
-- times new customers is that spend, with the months and channels without customers.
with

months as (
    select
        month_start_date,
        sum(acquisition_spend_amount) as acquisition_spend,
        sum(acquisition_spend_amount + spread_spend_amount) as own_and_spread_spend,
        sum(case when new_customers = 0 then spread_spend_amount else 0 end) as passed_on,
        sum(
            case when not is_winning_channel then acquisition_spend_amount else 0 end
        ) as spend_without_customers,
        sum(new_customers) as new_customers
    from {{ ref('rpt_marketing_mix') }}
    group by month_start_date
),

windows as (
    select
        formulas.period_grain,
        max(formulas.cac_amount) as cac_amount,
        sum(months.acquisition_spend) as acquisition_spend,
        sum(months.new_customers) as new_customers
    from {{ ref('rpt_formula_ltv') }} as formulas
    inner join months
        on months.month_start_date between formulas.window_start_date and formulas.window_end_date
    where formulas.relationship = 'any' and formulas.segment_name = 'all'
    group by formulas.period_grain, formulas.window_start_date
)

select
    cast(month_start_date as string) as place,
    own_and_spread_spend as found,
    acquisition_spend as expected
from months
where
    own_and_spread_spend <> acquisition_spend
    -- all of it is passed on, if there is a customer to carry it
    or passed_on <> case when new_customers > 0 then -spend_without_customers else 0 end

union all

select
    period_grain as place,
    cac_amount * new_customers as found,
    acquisition_spend as expected
from windows
where abs(cac_amount * new_customers - acquisition_spend) > 0.005 * new_customers
