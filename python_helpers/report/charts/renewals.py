"""Terms that were due, and what became of them."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import share, total

FATES = {"terms_renewed": "Renewed", "terms_lapsed": "Not renewed", "terms_pending": "Open"}


def spec() -> alt.Chart:
    """Draw a bar per quarter."""
    return (
        folded(FATES, what="fate", number="terms", height=240)
        .mark_bar()
        .encode(
            x=alt.X("quarter:O", title=None).axis(labelAngle=-45),
            y=alt.Y("terms:Q", title="terms due"),
            color=alt.Color("fate:N").scale(
                domain=list(FATES.values()), range=series("blue", "orange", "grey")
            ),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say the renewal rate of the last year."""
    year = rows[-4:]
    renewed, lapsed = total(year, "terms_renewed"), total(year, "terms_lapsed")
    pending = total(year, "terms_pending")
    if not renewed + lapsed:
        return f"Nothing is decided yet of the {pending:,.0f} terms that were due."
    said = (
        f"Of {renewed + lapsed:,.0f} terms due since {year[0]['quarter']} and decided, "
        f"{share(renewed / (renewed + lapsed))} were renewed"
    )
    verb = "is" if pending == 1 else "are"
    return f"{said}; {pending:,.0f} {verb} still open." if pending else f"{said}."


CHART = Chart(
    place=530,
    section="Recurring revenue",
    title="Renewals",
    query="""
        select
            segment,
            strftime(period_start_date, '%Y') || ' Q' || quarter(period_start_date) as quarter,
            terms_due,
            terms_renewed,
            terms_lapsed,
            terms_pending,
            renewal_rate
        from rpt_renewals_sliced
        where period_grain = 'quarter' and terms_due > 0
        order by segment, period_start_date
    """,
    columns={
        "quarter": Column(label="Due in"),
        "terms_due": Column(label="Terms due", unit="count"),
        "terms_renewed": Column(label="Renewed", unit="count"),
        "terms_lapsed": Column(label="Not renewed", unit="count"),
        "terms_pending": Column(label="Open", unit="count"),
        "renewal_rate": Column(label="Renewal rate", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
