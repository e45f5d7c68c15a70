"""Lifetime value against the cost of winning a customer, by channel."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import series
from python_helpers.report.words import count, readable

VALUE, COST, MARK = "Value (LTV)", "Cost (CAC)", "3 times cost"


def spec() -> alt.LayerChart:
    """Draw a bar per channel, paler where it is not reliable, with its cost and the mark."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(34)).encode(
        y=alt.Y("channel:N", title=None, sort=None).axis(labelLimit=110),
        color=alt.Color("what:N")
        .scale(domain=[VALUE, COST, MARK], range=series("blue", "orange", "purple"))
        .legend(symbolOpacity=1, symbolType="square"),
    )
    value, cost, mark = (
        base.transform_calculate(what=f"{name!r}", mark="3 * datum.cac_amount")
        for name in (VALUE, COST, MARK)
    )
    is_known = "datum.cac_amount !== null"
    return (
        value.mark_bar(height=18).encode(
            x=alt.X("ltv_amount:Q", title="a customer").axis(format="~s", tickCount=5),
            opacity=alt.when("datum.status === 'ok'").then(alt.value(1)).otherwise(alt.value(0.45)),
        )
        + cost.transform_filter(is_known)
        .mark_tick(thickness=4, size=26, opacity=1)
        .encode(x="cac_amount:Q")
        + mark.transform_filter(is_known)
        .mark_tick(thickness=4, size=26, opacity=1)
        .encode(x="mark:Q")
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say which channels bring three times what they cost, and how far that can be trusted."""
    known = [row for row in rows if row["ltv_to_cac"] is not None]
    unsure = sum(row["status"] != "ok" for row in rows)
    if not known:
        said = "What winning a customer costs is not known, so it cannot be compared."
    else:
        enough = sum(row["ltv_to_cac"] >= 3 for row in known)
        least = min(known, key=lambda row: row["ltv_to_cac"])
        said = (
            f"{enough} of {count(len(known), 'channel')} with known costs bring at least three "
            f"times what winning a customer costs; {least['channel'].lower()} brings the least, "
            f"{least['ltv_to_cac']:.1f} times."
        )
    if unsure:
        said += (
            f" The value of {unsure} of {count(len(rows), 'channel')} is not reliable: too few "
            "customers were lost to know how long they stay."
        )
    return said


CHART = Chart(
    place=920,
    section="What customers are worth",
    title="Lifetime value and cost by channel",
    # the twelve channels with the most customers, where there is more than the unknown one
    query=f"""
        select
            {readable("segment_value")} as channel,
            ltv_amount,
            ltv_status as status,
            cac_amount,
            ltv_to_cac,
            lost_customers
        from rpt_formula_ltv
        where
            relationship = 'any'
            and period_grain = 'quarter'
            and segment_name = 'acquisition_channel'
        qualify row_number() over (order by opening_customers desc, segment_value) <= 12
            and count(*) over () > 1
        order by ltv_amount desc nulls last, channel
    """,
    columns={
        "channel": Column(label="Channel"),
        "ltv_amount": Column(label="Lifetime value", unit="money"),
        "status": Column(label="Is it reliable?"),
        "lost_customers": Column(label="Customers lost", unit="count"),
        "cac_amount": Column(label="Cost (CAC)", unit="money"),
        "ltv_to_cac": Column(label="Value to cost, times", unit="number"),
    },
    spec=spec,
    sentence=sentence,
)
