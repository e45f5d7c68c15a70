"""Who came and who left, month by month."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import count, month, total

MOVES = {
    "new_customers": "New",
    "reactivated_customers": "Came back",
    "lost_customers": "Left",
}


def spec() -> alt.Chart:
    """Draw those who came above the line, and those who left below it."""
    return (
        folded(MOVES, what="move", number="customers", height=240)
        .transform_calculate(moved="datum.move === 'Left' ? -datum.customers : datum.customers")
        .mark_bar()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("moved:Q", title="customers"),
            color=alt.Color("move:N").scale(
                domain=list(MOVES.values()), range=series("blue", "teal", "orange")
            ),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Add up the last twelve months."""
    year = rows[-12:]
    came, left = total(year, "new_customers"), total(year, "lost_customers")
    back = total(year, "reactivated_customers")
    net = came + back - left
    word = "more than" if net > 0 else "fewer than" if net < 0 else "as many as"
    since = f"In the {len(year)} months to {month(rows[-1]['month'])}"
    difference = f"{count(abs(net))} {word}" if net else "as many as"
    return (
        f"{since}, {count(came)} came and {count(back)} came back: {difference} the {left:,.0f} "
        "who left."
    )


CHART = Chart(
    place=220,
    section="Coming and going",
    title="Who came and who left",
    query="""
        select
            segment,
            period_start_date as month,
            sum(opening_customers) as opening_customers,
            sum(new_customers) as new_customers,
            sum(reactivated_customers) as reactivated_customers,
            sum(lost_customers) as lost_customers,
            sum(closing_customers) as closing_customers
        from rpt_retention_periods_sliced
        where relationship = 'any' and period_grain = 'month' and is_complete_period
        group by all
        order by all
    """,
    columns={
        "month": Column(label="Month", unit="month"),
        "opening_customers": Column(label="Active at its start", unit="count"),
        "new_customers": Column(label="New", unit="count"),
        "reactivated_customers": Column(label="Came back", unit="count"),
        "lost_customers": Column(label="Left", unit="count"),
        "closing_customers": Column(label="Active at its end", unit="count"),
    },
    spec=spec,
    sentence=sentence,
)
