"""Failed payments, and what became of the subscriptions."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import count, share, total

FATES = {"episodes_recovered": "Recovered", "episodes_lost": "Lost", "episodes_open": "Open"}


def spec() -> alt.Chart:
    """Draw a bar per quarter in which payments failed."""
    return (
        folded(FATES, what="fate", number="episodes", height=240)
        .mark_bar()
        .encode(
            x=alt.X("quarter:O", title=None).axis(labelAngle=-45),
            y=alt.Y("episodes:Q", title="times past due"),
            color=alt.Color("fate:N").scale(
                domain=list(FATES.values()), range=series("blue", "orange", "grey")
            ),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say the share that was recovered in the last year, and how much churn is involuntary."""
    year = rows[-4:]
    recovered, lost = total(year, "episodes_recovered"), total(year, "episodes_lost")
    said = f"Nothing is decided yet of {count(total(year, 'episodes_open'), 'failed payment')}"
    if recovered + lost:
        said = (
            f"Of {count(recovered + lost, 'failed payment')} since {year[0]['quarter']} that are "
            f"decided, {share(recovered / (recovered + lost))} were recovered"
        )
    churned = total(year, "churn_events")
    if not churned:
        return f"{said}."
    involuntary = share(total(year, "involuntary_churn_events") / churned)
    return f"{said}; {involuntary} of the subscribers who left did not choose to."


CHART = Chart(
    place=560,
    section="Plans, trials and failed payments",
    title="Failed payments",
    query="""
        select
            segment,
            strftime(period_start_date, '%Y') || ' Q' || quarter(period_start_date) as quarter,
            episodes_begun,
            episodes_recovered,
            episodes_lost,
            episodes_open,
            past_due_mrr_amount,
            recovered_mrr_amount,
            recovery_rate,
            churn_events,
            involuntary_churn_events
        from rpt_dunning_sliced
        where
            period_grain = 'quarter'
            -- where no payment ever failed there is nothing to show
            and exists (select 1 from rpt_dunning where episodes_begun > 0)
        order by segment, period_start_date
    """,
    columns={
        "quarter": Column(label="Begun in"),
        "episodes_begun": Column(label="Times past due", unit="count"),
        "episodes_recovered": Column(label="Recovered", unit="count"),
        "episodes_lost": Column(label="Lost", unit="count"),
        "episodes_open": Column(label="Open", unit="count"),
        "past_due_mrr_amount": Column(label="Revenue a month at risk", unit="money"),
        "recovered_mrr_amount": Column(label="Of it saved", unit="money"),
        "recovery_rate": Column(label="Recovery rate", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
