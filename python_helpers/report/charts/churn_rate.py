"""The churn rate of months, and of the twelve months that end with each."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import count, month, of_few, share, than


def spec() -> alt.Chart:
    """Draw a line."""
    return (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=240)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("churn_rate:Q", title="share lost").axis(format="%").scale(zero=True),
            tooltip=["month:T", "lost_customers:Q", "opening_customers:Q", "churn_rate:Q"],
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say the latest rate of a month, and of a year if one is known."""
    months = [row for row in rows if row["period"] == "A month"]
    years = [row for row in rows if row["period"] == "Twelve months"]
    said = ""
    if months:
        last = months[-1]
        said = (
            f"Of {count(last['opening_customers'])} at the start of {month(last['month'])}, "
            f"{last['lost_customers']:,} left: {share(last['churn_rate'])}."
        )
    if years:
        last, before = years[-1], years[max(0, len(years) - 13)]
        said += f" Over twelve months it is {share(last['churn_rate'])}"
        if before is not last:
            word = than(last["churn_rate"], before["churn_rate"])
            said += f", {word} {share(before['churn_rate'])} in {month(before['month'])}"
        said += "."
    return (said + of_few((months or years)[-1]["opening_customers"])).strip()


CHART = Chart(
    place=230,
    section="Coming and going",
    title="Churn rate",
    query="""
        select
            segment,
            case period_grain when 'month' then 'A month' else 'Twelve months' end as period,
            date_trunc('month', closes_on) as month,
            sum(opening_customers) as opening_customers,
            sum(lost_customers) as lost_customers,
            sum(lost_customers) / sum(opening_customers) as churn_rate
        from rpt_retention_periods_sliced
        where
            relationship = 'any'
            and period_grain in ('month', 'trailing_12_months')
            and is_complete_period
        group by segment, period_grain, closes_on
        having
            sum(opening_customers) > 0
            and bool_or(churn_rate is not null)
        order by segment, period, closes_on
    """,
    columns={
        "period": Column(label="Period"),
        "month": Column(label="Ends with", unit="month"),
        "opening_customers": Column(label="Active at its start", unit="count"),
        "lost_customers": Column(label="Left", unit="count"),
        "churn_rate": Column(label="Churn rate", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    switch="period",
)
