"""From which stage customers went to which, over twelve months."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import BARE, heat_map
from python_helpers.report.words import count, month, readable, share

BEFORE, AFTER = "Never bought", "Churned"
STAGES = [
    BEFORE,
    "New",
    "Growing",
    "Established",
    "Advocate",
    "Declining",
    "At risk",
    AFTER,
    "Won back",
]


def spec() -> alt.LayerChart:
    """Draw a cell per pair of stages that customers went between."""
    return heat_map(
        x=alt.X("to_stage:N", title="to", sort=STAGES).axis(
            orient="top", labelOverlap=False, **BARE | {"labelAngle": -90}
        ),
        y=alt.Y("from_stage:N", title="from", sort=STAGES).axis(**BARE),
        label="datum.value >= 1000 ? format(datum.value, '.2~s') : format(datum.value, 'd')",
        row_height=28,
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the most frequent step, and what became of those at risk."""
    most = max(rows, key=lambda row: row["value"])
    said = (
        f"In the twelve months to {month(rows[0]['last_month'])}, the most frequent step was from "
        f"“{most['from_stage'].lower()}” to “{most['to_stage'].lower()}”, {most['value']:,} times."
    )
    left_risk = {row["to_stage"]: row["value"] for row in rows if row["from_stage"] == "At risk"}
    moves = sum(left_risk.values())
    if not moves:
        return said
    churned = left_risk.get(AFTER, 0)
    return (
        f"{said} Of {count(moves, 'stay')} at risk that ended, {share(churned / moves)} ended "
        f"in churn, and {share(1 - churned / moves)} with the customer still active."
    )


def grouped(stage: str, /) -> str:
    """Write the SQL that names a stage; those of people who never bought, or left, are one."""
    return f"""case
                    when {stage} in ('none', 'aware', 'captured', 'nurtured') then '{BEFORE}'
                    when {stage} like 'churned%' then '{AFTER}'
                    else {readable(stage)}
                end"""


CHART = Chart(
    place=720,
    section="Lifecycle stages",
    title="Steps from stage to stage",
    query=f"""
        with months as (
            select max(period_start_date) as last_month
            from rpt_stage_transitions
            where period_grain = 'month' and is_complete_period
        ),
        steps as (
            select
                *,
                {grouped("from_stage")} as from_group,
                {grouped("to_stage")} as to_group
            from rpt_stage_transitions_sliced
            cross join months
            where
                period_grain = 'month'
                and is_complete_period
                and period_start_date > last_month - interval 12 months
        )
        select
            segment,
            from_group as from_stage,
            to_group as to_stage,
            sum(transitions)::bigint as value,
            last_month
        from steps
        where from_group <> to_group
        group by all
        order by segment, value desc, from_stage, to_stage
    """,
    columns={
        "from_stage": Column(label="From"),
        "to_stage": Column(label="To"),
        "value": Column(label="Times", unit="count"),
    },
    spec=spec,
    sentence=sentence,
)
