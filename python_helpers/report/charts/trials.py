"""Free trials, and how many of them were paid for."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import count, month, share, total

FATES = {"trials_converted": "Converted", "trials_lost": "Lost", "trials_open": "Open"}


def spec() -> alt.Chart:
    """Draw a bar per month in which trials began."""
    return (
        folded(FATES, what="fate", number="trials", height=240)
        .mark_bar()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("trials:Q", title="trials begun"),
            color=alt.Color("fate:N").scale(
                domain=list(FATES.values()), range=series("blue", "orange", "grey")
            ),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say the conversion rate of the last months."""
    converted, lost = total(rows, "trials_converted"), total(rows, "trials_lost")
    still_open = total(rows, "trials_open")
    if not converted + lost:
        return f"Nothing is decided yet of {count(still_open, 'trial')}."
    said = (
        f"Of {count(converted + lost, 'trial')} begun since {month(rows[0]['month'])} and decided, "
        f"{share(converted / (converted + lost))} were converted"
    )
    verb = "is" if still_open == 1 else "are"
    return f"{said}; {still_open:,.0f} {verb} still open." if still_open else f"{said}."


CHART = Chart(
    place=550,
    section="Plans, trials and failed payments",
    title="Trials",
    query="""
        select
            segment,
            cohort_month as month,
            trials_begun,
            trials_converted,
            trials_lost,
            trials_open,
            median_days_to_convert,
            conversion_rate
        from rpt_trials_sliced
        where cohort_month > (select max(cohort_month) - interval 24 months from rpt_trials)
        order by segment, cohort_month
    """,
    columns={
        "month": Column(label="Begun in", unit="month"),
        "trials_begun": Column(label="Trials", unit="count"),
        "trials_converted": Column(label="Converted", unit="count"),
        "trials_lost": Column(label="Lost", unit="count"),
        "trials_open": Column(label="Open", unit="count"),
        "median_days_to_convert": Column(label="Median days to convert", unit="number"),
        "conversion_rate": Column(label="Conversion rate", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
