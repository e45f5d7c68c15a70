"""Active customers at the end of each month."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import count, month, share


def spec() -> alt.Chart:
    """Draw a bar per month."""
    return (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=240)
        .mark_bar()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("closing_customers:Q", title="active customers"),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Compare the latest month with a year before, or with the first."""
    last, first = rows[-1], rows[max(0, len(rows) - 13)]
    said = f"{count(last['closing_customers'])} were active at the end of {month(last['month'])}"
    if first is last:
        return f"{said}, the only complete month."
    if not first["closing_customers"]:
        return f"{said}; none were in {month(first['month'])}."
    change = last["closing_customers"] / first["closing_customers"] - 1
    word = "more" if change > 0 else "fewer"
    return f"{said}, {share(abs(change))} {word} than at the end of {month(first['month'])}."


CHART = Chart(
    place=210,
    section="Coming and going",
    title="Active customers",
    query="""
        select
            segment,
            period_start_date as month,
            sum(closing_customers) as closing_customers
        from rpt_retention_periods_sliced
        where relationship = 'any' and period_grain = 'month' and is_complete_period
        group by all
        order by all
    """,
    columns={
        "month": Column(label="Month", unit="month"),
        "closing_customers": Column(label="Active at its end", unit="count"),
    },
    spec=spec,
    sentence=sentence,
)
