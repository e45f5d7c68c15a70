"""How long customers stay: survival curves with their bands."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import count, share

YEAR = 365  # days


def spec() -> alt.LayerChart:
    """Draw a step curve per value of a segment, with its 95 % band."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=300).encode(
        x=alt.X("days_since:Q", title="days since the spell began"),
        color=alt.Color("value_label:N", sort=None),
    )
    band = base.mark_area(opacity=0.13, interpolate="step-after", tooltip=False).encode(
        y=alt.Y("ci_low:Q", title="still active").axis(format="%").scale(domain=[0, 1]),
        y2="ci_high:Q",
    )
    curve = base.mark_line(interpolate="step-after").encode(y=alt.Y("survival_rate:Q"))
    return band + curve


def sentence(rows: Sequence[Row]) -> str:
    """Say how many are still active after a year, and when half have left."""
    everybody = [row for row in rows if row["segment_label"] == "All customers"]
    known = [row for row in everybody if row["days_since"] <= YEAR]
    if everybody[-1]["days_since"] < YEAR or not known:
        return f"Customers have been watched for {everybody[-1]['days_since']} days at most."
    last = known[-1]
    half = next((row for row in everybody if row["survival_rate"] <= 0.5), None)
    said = (
        f"{share(last['survival_rate'])} of customers are still active after a year "
        f"(between {share(last['ci_low'])} and {share(last['ci_high'])}, with 95% confidence)"
    )
    if half is None:
        return f"{said}; fewer than half have left so far."
    return f"{said}; half have left after {count(half['days_since'], 'day')}."


CHART = Chart(
    place=410,
    section="How long customers stay",
    title="How many are still active, by days since they came",
    # of a segment, the last step of each two weeks: the eye sees no more
    query="""
        select
            segment_label,
            value_label,
            days_since,
            risk_set_customers,
            survival_rate,
            ci_low,
            ci_high
        from rpt_survival_sliced
        where relationship = 'any'
        qualify
            segment = 0
            or days_since = 0
            or row_number() over (
                partition by segment, days_since // 14 order by days_since desc
            ) = 1
        order by segment, days_since
    """,
    columns={
        "segment_label": Column(label="Segment"),
        "value_label": Column(label="Value"),
        "days_since": Column(label="Days since", unit="count"),
        "risk_set_customers": Column(label="Still watched", unit="count"),
        "survival_rate": Column(label="Still active", unit="share"),
        "ci_low": Column(label="At least", unit="share"),
        "ci_high": Column(label="At most", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="segment_label",
)
