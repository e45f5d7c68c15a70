"""How long customers stay, segment by segment, in a number."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row


def spec() -> alt.LayerChart:
    """Draw the mean days of the first year that customers of each segment are active."""
    bars = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(24))
        .mark_bar()
        .encode(
            x=alt.X("restricted_mean_days:Q", title="active days of the first year, mean"),
            y=alt.Y("value_label:N", title=None, sort="-x"),
        )
    )
    text = bars.mark_text(align="left", dx=5, tooltip=False).encode(
        text=alt.Text("restricted_mean_days:Q", format=".0f")
    )
    return bars + text


def sentence(rows: Sequence[Row]) -> str:
    """Name the segments whose customers are active the longest and the shortest time."""
    longest, shortest = (
        pick(rows, key=lambda row: row["restricted_mean_days"]) for pick in (max, min)
    )
    days = (
        f"{row['restricted_mean_days']:.0f} in {row['segment_label'].lower()} {row['value_label']}"
        for row in (longest, shortest)
    )
    return (
        f"Of their first {longest['horizon_days']} days, customers are active on {next(days)}, "
        f"the most, and on {next(days)}, the fewest. The bands of the curves say what may be "
        "chance."
    )


CHART = Chart(
    place=420,
    section="How long customers stay",
    title="How long, by segment",
    query="""
        select
            segment_label,
            value_label,
            customers,
            churned_customers,
            median_days,
            restricted_mean_days,
            horizon_days
        from rpt_survival_summary_sliced
        where relationship = 'any' and segment > 0 and restricted_mean_days is not null
        order by segment
    """,
    columns={
        "segment_label": Column(label="Segment"),
        "value_label": Column(label="Value"),
        "customers": Column(label="Customers", unit="count"),
        "churned_customers": Column(label="Left", unit="count"),
        "median_days": Column(label="Median days", unit="count"),
        "restricted_mean_days": Column(label="Mean days of the first year", unit="count"),
        "horizon_days": Column(label="Of days", unit="count"),
    },
    spec=spec,
    sentence=sentence,
    switch="segment_label",
)
