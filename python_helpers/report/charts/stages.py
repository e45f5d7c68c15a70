"""Active customers by the stage of their lifecycle."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import count, month, of_few, share

STAGES = {
    # from the bottom: name, colour
    "advocate": ("Advocate", "purple"),
    "growing": ("Growing", "teal"),
    "established": ("Established", "blue"),
    "new": ("New", "gold"),
    "won_back": ("Won back", "grey"),
    "declining": ("Declining", "orange"),
    "at_risk": ("At risk", "rose"),
}
NAMES = {stage: name for stage, (name, _) in STAGES.items()}


def spec() -> alt.Chart:
    """Draw the stages upon each other; together they are all active customers."""
    return (
        folded(NAMES, what="stage", number="customers", height=280)
        .mark_area()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("customers:Q", title="active customers"),
            color=alt.Color("stage:N").scale(
                domain=list(NAMES.values()), range=series(*(of for _, of in STAGES.values()))
            ),
            order="place:Q",
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the largest stage, and the share at risk against a year before."""
    last = rows[-1]
    active = sum(last[stage] for stage in STAGES)
    said = f"{count(active)} were active at the end of {month(last['month'])}"
    if not active:
        return f"{said}."
    largest = max(STAGES, key=lambda stage: last[stage])
    said += (
        f": the most, {share(last[largest] / active)}, in the stage “{NAMES[largest].lower()}”, "
        f"and {share(weakened(last))} at risk or declining"
    )
    before = weakened(rows[-13]) if len(rows) > 12 else None
    if before is not None:
        said += f", against {share(before)} a year before"
    return f"{said}.{of_few(active)}"


def weakened(row: Row, /) -> float | None:
    """Return the share of active customers who are at risk or declining."""
    active = sum(row[stage] for stage in STAGES)
    return (row["at_risk"] + row["declining"]) / active if active else None


CHART = Chart(
    place=710,
    section="Lifecycle stages",
    title="Stages of active customers",
    query="""
        select
            segment,
            period_start_date as month,
            {stages}
        from rpt_stage_periods_sliced
        where period_grain = 'month' and is_complete_period
        group by segment, period_start_date
        having month >= (
            select min(period_start_date)
            from rpt_stage_periods
            where lifecycle_stage in {names} and closing_customers > 0
        )
        order by segment, month
    """.format(
        stages=",\n            ".join(
            f"coalesce(sum(closing_customers) filter (where lifecycle_stage = '{stage}'), 0)"
            f" as {stage}"
            for stage in STAGES
        ),
        names=tuple(STAGES),
    ),
    columns={"month": Column(label="Month", unit="month")}
    | {stage: Column(label=name, unit="count") for stage, name in NAMES.items()},
    spec=spec,
    sentence=sentence,
    is_wide=True,
)
