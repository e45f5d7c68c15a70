"""How far everyone known has come."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, of_few, readable, share


def spec() -> alt.LayerChart:
    """Draw a bar per step, with its share of everyone."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(34)).encode(
        x=alt.X("customers:Q", title="customers who came as far").axis(format="~s", tickCount=5),
        y=alt.Y("step:N", title=None, sort=None),
    )
    # a share is written in its bar if there is room, else beside it
    is_long = "datum.share_of_all > 0.5"
    shares = base.mark_text(
        align=alt.expr(f"{is_long} ? 'right' : 'left'"),
        dx=alt.expr(f"{is_long} ? -5 : 5"),
        tooltip=False,
    ).encode(
        text=alt.Text("share_of_all:Q", format=".0%"),
        color=alt.when(is_long)
        .then(alt.value(colour("page")))
        .otherwise(alt.value(colour("text"))),
    )
    return base.mark_bar() + shares


def sentence(rows: Sequence[Row]) -> str:
    """Say how many bought, and at which step the most stopped."""
    known = rows[0]["customers"]
    bought = next((row for row in rows if row["step"] == "New"), None)
    said = f"Of {count(known)} known, those still on their way included"
    if bought:
        said += f", {share(bought['share_of_all'])} bought"
    later = [row for row in rows if row["share_of_step_before"] is not None]
    if later:
        worst = min(later, key=lambda row: row["share_of_step_before"])
        before = rows[rows.index(worst) - 1]
        said += (
            f"; the fewest go on from “{before['step'].lower()}” to “{worst['step'].lower()}”: "
            f"{share(worst['share_of_step_before'])}"
        )
    return f"{said}.{of_few(known)}"


CHART = Chart(
    place=730,
    section="Lifecycle stages",
    title="How far customers come",
    # a step can be skipped, so the customers who came further count at every step before
    query=f"""
        with steps as (
            select
                segment,
                funnel_step,
                {readable("lifecycle_stage")} as step,
                sum(reached_or_passed_customers)::bigint as customers,
                sum(reached_customers)::bigint as reached_customers,
                sum(cohort_customers) as cohort_customers,
                median(median_days_to_reach) as days_to_reach
            from rpt_funnel_sliced
            group by all
        )
        select
            segment,
            step,
            customers,
            customers / cohort_customers as share_of_all,
            customers / nullif(lag(customers) over (
                partition by segment order by funnel_step
            ), 0) as share_of_step_before,
            reached_customers,
            days_to_reach
        from steps
        order by segment, funnel_step
    """,
    columns={
        "step": Column(label="Step"),
        "customers": Column(label="Came as far", unit="count"),
        "share_of_all": Column(label="Of all", unit="share"),
        "share_of_step_before": Column(label="Of the step before", unit="share"),
        "reached_customers": Column(label="Were in the stage", unit="count"),
        "days_to_reach": Column(label="Median days to it, middle cohort", unit="number"),
    },
    spec=spec,
    sentence=sentence,
)
