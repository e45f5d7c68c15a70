"""The tiles at the top of the report: the numbers of the last complete month, and before."""

from collections.abc import Sequence

from python_helpers.report.chart import Row
from python_helpers.report.words import count, share

COLUMNS = ("tile", "unit", "value", "month_before", "year_before")
QUERY = """
with tiles as (
    select segment, 1 as number, 'Active customers' as tile, 'count' as unit, closes_on,
        sum(closing_customers) as value
    from rpt_retention_periods_sliced
    where relationship = 'any' and period_grain = 'month' and is_complete_period
    group by all
    union all
    select segment, 2, 'Churn rate of the month', 'share', closes_on,
        sum(lost_customers) / nullif(sum(opening_customers), 0)
    from rpt_retention_periods_sliced
    where relationship = 'any' and period_grain = 'month' and is_complete_period
    group by all
    union all
    select segment, 3, 'Kept over twelve months', 'share', closes_on,
        1 - sum(lost_customers) / nullif(sum(opening_customers), 0)
    from rpt_retention_periods_sliced
    where relationship = 'any' and period_grain = 'trailing_12_months' and is_complete_period
    group by all
    having bool_and(churn_rate is not null or opening_customers = 0)
    union all
    select segment, 4, 'Revenue of the month', 'money', closes_on, sum(total_revenue_amount)
    from rpt_revenue_mix_sliced
    where period_grain = 'month' and is_complete_period
    group by all
    union all
    select segment, 5, 'Recurring revenue a month', 'money', closes_on, sum(closing_mrr_amount)
    from rpt_mrr_periods_sliced
    where period_grain = 'month' and is_complete_period
    group by all
    union all
    select segment, 6, 'Net revenue retention of a year', 'share', closes_on,
        sum(net_retained_mrr_amount) / nullif(sum(opening_mrr_amount), 0)
    from rpt_mrr_periods_sliced
    where period_grain = 'trailing_12_months' and is_complete_period
    group by all
    having bool_and(net_revenue_retention_rate is not null or opening_mrr_amount = 0)
    union all
    select segment, 7, 'NPS of twelve months', 'number', closes_on, nps
    from rpt_nps_sliced
    where period_grain = 'trailing_12_months' and is_complete_period
    union all
    select segment, 8, 'Lifetime value to cost of winning', 'number', window_end_date, ltv_to_cac
    from rpt_formula_ltv_sliced
    where relationship = 'any' and period_grain = 'quarter'
),

latest as (
    select max(closes_on) as month_end_date from tiles where number = 1
)

select
    segment,
    tile,
    unit,
    max(value) filter (where number = 8 or closes_on = month_end_date) as value,
    max(value) filter (
        where number <> 8 and closes_on = last_day(month_end_date - interval 1 month)
    ) as month_before,
    max(value) filter (
        where number <> 8 and closes_on = last_day(month_end_date - interval 12 months)
    ) as year_before,
    any_value(month_end_date) as month_end_date
from tiles
cross join latest
group by segment, number, tile, unit
having max(value) filter (where number = 8 or closes_on = month_end_date) is not null
order by segment, number
"""


def sentence(rows: Sequence[Row], /) -> str:
    """Say how many customers are active, and how fast they leave."""
    known = {row["tile"]: row for row in rows}
    active, churn = known.get("Active customers"), known.get("Churn rate of the month")
    if not active:
        return "No month is complete yet."
    said = f"At the end of {active['month_end_date']:%B %Y} {count(active['value'])} are active"
    if active["year_before"]:
        change = active["value"] / active["year_before"] - 1
        said += f", {share(abs(change))} {'more' if change >= 0 else 'fewer'} than a year before"
    if churn:
        said += f"; {share(churn['value'])} left in that month"
    return f"{said}."
