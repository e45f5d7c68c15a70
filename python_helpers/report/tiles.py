"""The tiles at the top of the report: the numbers of the last complete month, and before."""

from collections.abc import Mapping, Sequence

from python_helpers.report.chart import Row
from python_helpers.report.words import count, share

COLUMNS = ("tile", "unit", "value", "month_before", "year_before")
QUERY = """
    with latest as (
        select max(closes_on) as month_end_date
        from dim_periods
        where period_grain = 'month' and is_complete_period
    ),
    measured as ({measured})
    select
        segment,
        '{tile}' as tile,
        '{unit}' as unit,
        max(value) filter (where closes_on = month_end_date) as value,
        max(value) filter (where closes_on = last_day(month_end_date - interval 1 month))
            as month_before,
        max(value) filter (where closes_on = last_day(month_end_date - interval 12 months))
            as year_before,
        any_value(month_end_date) as month_end_date
    from measured
    cross join latest
    group by segment
    having max(value) filter (where closes_on = month_end_date) is not null
    order by segment
"""
CUBE = """
    select segment, closes_on, {value} as value
    from {mart}_sliced
    where {rows} and is_complete_period
    group by segment, closes_on
"""


def of_customers(value: str, /, *, grain: str) -> str:
    """Ask a number of all customers."""
    rows = f"relationship = 'any' and period_grain = '{grain}'"
    return CUBE.format(value=value, mart="rpt_retention_periods", rows=rows)


def of_mrr(value: str, /, *, grain: str) -> str:
    """Ask a number of recurring revenue."""
    rows = f"period_grain = '{grain}'"
    return CUBE.format(value=value, mart="rpt_mrr_periods", rows=rows)


def rated(rate: str, /, *, by: str) -> str:
    """Write a rate of a cube: of no period whose cells have none, such as one before the data."""
    return f"case when bool_or({by} is not null) then {rate} end"


CHURN = rated("sum(lost_customers) / sum(opening_customers)", by="churn_rate")
RETAINED = rated(
    "sum(net_retained_mrr_amount) / sum(opening_mrr_amount)", by="net_revenue_retention_rate"
)
TILES: Mapping[str, tuple[str, str]] = {
    # the name -> its unit, and a query of its value by segment and last day of a period
    "Active customers": ("count", of_customers("sum(closing_customers)", grain="month")),
    "Churn rate of the month": ("share", of_customers(CHURN, grain="month")),
    "Kept over twelve months": ("share", of_customers(f"1 - {CHURN}", grain="trailing_12_months")),
    "Revenue of the month": (
        "money",
        CUBE.format(
            value="sum(total_revenue_amount)", mart="rpt_revenue_mix", rows="period_grain = 'month'"
        ),
    ),
    "Recurring revenue a month": ("money", of_mrr("sum(closing_mrr_amount)", grain="month")),
    "Net revenue retention of a year": ("share", of_mrr(RETAINED, grain="trailing_12_months")),
    "NPS of twelve months": (
        "number",
        "select segment, closes_on, nps as value from rpt_nps_sliced "
        "where period_grain = 'trailing_12_months' and is_complete_period",
    ),
    "Lifetime value to cost of winning": (
        "number",
        "select segment, month_end_date as closes_on, ltv_to_cac as value "
        "from rpt_formula_ltv_sliced cross join latest "
        "where relationship = 'any' and period_grain = 'quarter'",
    ),
}


def queries() -> list[str]:
    """Write the query of each tile: a row per segment."""
    return [
        QUERY.format(tile=tile, unit=unit, measured=measured)
        for tile, (unit, measured) in TILES.items()
    ]


def sentence(rows: Sequence[Row], /) -> str:
    """Say how many customers are active, and how fast they leave."""
    known = {row["tile"]: row for row in rows}
    active, churn = known.get("Active customers"), known.get("Churn rate of the month")
    if not active:
        return "No month is complete yet."
    said = f"At the end of {active['month_end_date']:%B %Y}, {count(active['value'])} are active"
    if active["year_before"]:
        change = active["value"] / active["year_before"] - 1
        said += f", {share(abs(change))} {'more' if change >= 0 else 'fewer'} than a year before"
    if churn:
        said += f"; {share(churn['value'])} left in that month"
    return f"{said}."
