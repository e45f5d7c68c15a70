"""What customers have paid for in advance and are still owed."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import amount, month


def spec() -> alt.Chart:
    """Draw a line of what is owed at the end of each month."""
    return (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=240)
        .mark_line()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("closing_deferred_amount:Q", title="owed at the end").axis(format="~s"),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say what is owed now, and how the last month went."""
    last = rows[-1]
    said = (
        f"At the end of {month(last['month'])}, customers are owed "
        f"{amount(last['closing_deferred_amount'])} that they have been billed for in advance. In "
        f"that month {amount(last['billed_amount'])} were billed and "
        f"{amount(last['earned_amount'])} earned"
    )
    refunded = last["refunded_amount"]
    return f"{said}, and {amount(refunded)} went back." if refunded else f"{said}."


CHART = Chart(
    place=535,
    section="Recurring revenue",
    title="Paid in advance and not yet earned",
    query="""
        select
            segment,
            date_trunc('month', closes_on) as month,
            billed_amount,
            earned_amount,
            refunded_amount,
            closing_deferred_amount
        from rpt_deferred_revenue_sliced
        where period_grain = 'month' and is_complete_period
        order by segment, closes_on
    """,
    columns={
        "month": Column(label="Month", unit="month"),
        "billed_amount": Column(label="Billed", unit="money"),
        "earned_amount": Column(label="Earned", unit="money"),
        "refunded_amount": Column(label="Refunded", unit="money"),
        "closing_deferred_amount": Column(label="Owed at its end", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
