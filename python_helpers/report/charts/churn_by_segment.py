"""Churn of the last twelve months, segment by segment."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import FEW, count, share


def spec() -> alt.LayerChart:
    """Draw a bar per value of a segment, with the customers it rests on."""
    bars = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(26))
        .mark_bar()
        .encode(
            x=alt.X("churn_rate:Q", title="share lost in twelve months").axis(format="%"),
            y=alt.Y("value_label:N", title=None, sort="-x"),
            opacity=alt.condition(alt.datum.opening_customers < FEW, alt.value(0.35), alt.value(1)),
        )
    )
    text = bars.mark_text(align="left", dx=5, tooltip=False).encode(
        text=alt.Text("label:N"), opacity=alt.value(1)
    )
    return (bars + text).transform_calculate(
        label="datum.lost_customers + ' of ' + datum.opening_customers"
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the segments that lose most and least, of those with enough customers."""
    firm = [row for row in rows if row["opening_customers"] >= FEW]
    if len(firm) < 2:
        return f"No two segments had {FEW} customers a year ago, so a comparison rests on few."
    least, most = (pick(firm, key=lambda row: row["churn_rate"]) for pick in (min, max))
    return (
        f"{most['segment_label']} {most['value_label']} lost the most, "
        f"{share(most['churn_rate'])} of {count(most['opening_customers'])}; "
        f"{least['segment_label'].lower()} {least['value_label']} the least, "
        f"{share(least['churn_rate'])} of {count(least['opening_customers'])}. Bars of fewer than "
        f"{FEW} are pale."
    )


CHART = Chart(
    place=240,
    section="Coming and going",
    title="Who leaves: the last twelve months by segment",
    query="""
        select
            segment_label,
            value_label,
            sum(opening_customers) as opening_customers,
            sum(lost_customers) as lost_customers,
            sum(lost_customers) / sum(opening_customers) as churn_rate
        from rpt_retention_periods_sliced
        where
            relationship = 'any'
            and segment > 0
            and period_grain = 'trailing_12_months'
            and closes_on = (
                select max(closes_on)
                from rpt_retention_periods
                where period_grain = 'trailing_12_months' and is_complete_period
            )
        group by all
        having sum(opening_customers) > 0 and bool_or(churn_rate is not null)
        order by min(segment)
    """,
    columns={
        "segment_label": Column(label="Segment"),
        "value_label": Column(label="Value"),
        "opening_customers": Column(label="Active a year before", unit="count"),
        "lost_customers": Column(label="Left", unit="count"),
        "churn_rate": Column(label="Churn rate", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    switch="segment_label",
)
